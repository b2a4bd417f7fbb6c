/* See opportunities.h. */
#include "model/opportunities.h"

static int64_t last_instant(const struct opportunities *all)
{
	return all->instants[all->count - 1];
}

/* The number of the first that is at `t` or later, where the trace starts at 0. */
static work first_number(const struct opportunities *all, int64_t t)
{
	int64_t last = last_instant(all), cycle = t / last, rest = t % last;
	uint32_t low = 0, high = all->count - 1;

	if (rest == 0 && cycle > 0) { /* the last instant of a cycle is the beginning of the next, and comes first */
		cycle--;
		rest = last;
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (all->instants[middle] >= rest)
			high = middle;
		else
			low = middle + 1;
	}
	return (work)cycle * all->count + low;
}

static int64_t time_of(const struct opportunities *all, int64_t t0, bool scenario, work number)
{
	work cycle = number / all->count;
	work time = cycle * (work)last_instant(all) + (work)all->instants[number % all->count] + (scenario ? (work)t0 : 0);

	return cycle > INT64_MAX || time > INT64_MAX ? TIME_NEVER : (int64_t)time;
}

/* The opportunity with that number, of those from 0 on if `scenario` is not set: T0 may come first. */
static struct opportunity find(const struct opportunities *all, int64_t t0, bool scenario, work number)
{
	work before = scenario || t0 == TIME_NEVER ? 0 : first_number(all, t0); /* so many are before T0 */

	if (!scenario && t0 != TIME_NEVER && number >= before) {
		scenario = true;
		number -= before;
	}
	return (struct opportunity){.time = time_of(all, t0, scenario, number), .scenario = scenario, .number = number};
}

/* The first at `t` or later. */
static struct opportunity find_from(const struct opportunities *all, int64_t t0, int64_t t)
{
	if (t0 != TIME_NEVER && t >= t0)
		return find(all, t0, true, first_number(all, t - t0));
	return find(all, t0, false, first_number(all, t));
}

int64_t opportunities_service_end(const struct opportunities *all, int64_t t0, int64_t start, bool waited,
	uint32_t length, struct opportunity *last)
{
	bool shares = waited && last->time == start && last->time > 0;
	int64_t rest = length > OPPORTUNITY_HEADER ? length - OPPORTUNITY_HEADER : 1, more;
	struct opportunity next;

	if (shares && rest <= last->left) {
		last->left -= rest;
		return start;
	}
	rest -= shares ? last->left : 0;
	next = shares ? find(all, t0, last->scenario, last->number + 1) : find_from(all, t0, waited ? start : start + 1);
	more = (rest - 1) / all->bytes; /* than one */
	*last = find(all, t0, next.scenario, next.number + (work)more);
	last->left = (more + 1) * all->bytes - rest;
	return last->time;
}
