/* See opportunities.h. */
#include "model/opportunities.h"

#include <stdlib.h>

#include "model/refuse.h"

#define STRIDE 64 /* so many instants lie between two marks: as many gaps are added up at most to find one */

/* Where the gap of every STRIDE-th instant lies, and when the instant before it is: 0 for the first. */
struct opportunity_mark {
	int64_t before; /* in units */
	size_t offset;
};

/* The gap at `*offset`, behind which that is set. In gaps that opportunities_check() allows. */
static int64_t next_gap(const struct opportunities *all, size_t *offset)
{
	uint8_t byte = all->gaps[(*offset)++];
	int64_t gap = byte & 0x7f;

	for (int shift = 7; byte & 0x80; shift += 7) {
		byte = all->gaps[(*offset)++];
		gap |= (int64_t)(byte & 0x7f) << shift;
	}
	return gap;
}

/* As next_gap(), of gaps that nobody has checked; false: it is broken off, or longer than 63 bits. */
static bool read_gap(const struct opportunities *all, size_t *offset, int64_t *gap)
{
	*gap = 0;
	for (int shift = 0; shift < 63 && *offset < all->length; shift += 7) {
		uint8_t byte = all->gaps[(*offset)++];

		*gap |= (int64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool check_numbers(const struct opportunities *all, char *why, size_t size)
{
	if (all->unit_ns < 1 || all->period_ns < 1)
		return refuse(why, size, "the unit of the opportunities is %lld ns and their period %lld ns; both must be 1 or more",
			(long long)all->unit_ns, (long long)all->period_ns);
	if (all->bytes < 1 || all->bytes > UINT32_MAX)
		return refuse(why, size, "an opportunity is worth %lld bytes; legal is 1 to 2^32 - 1", (long long)all->bytes);
	return true;
}

bool opportunities_check(struct opportunities *all, char *why, size_t size)
{
	int64_t at = 0, last, gap;
	size_t offset = 0, count = 0;

	if (!check_numbers(all, why, size))
		return false;
	last = all->period_ns / all->unit_ns;
	for (; offset < all->length; count++) {
		if (!read_gap(all, &offset, &gap))
			return refuse(why, size, "the gap before opportunity %zu is broken off, or longer than 63 bits", count);
		if (gap > last - at)
			return refuse(why, size, "opportunity %zu is later than their period, %lld ns", count,
				(long long)all->period_ns);
		at += gap;
	}
	if (count < 1 || count > UINT32_MAX)
		return refuse(why, size, "there are %zu opportunities; legal is 1 to 2^32 - 1", count);
	all->count = (uint32_t)count;
	return true;
}

bool opportunities_index(struct opportunities *all)
{
	size_t offset = 0;
	int64_t at = 0;

	all->marks = malloc((all->count / STRIDE + 1) * sizeof(*all->marks));
	if (!all->marks)
		return false;
	for (uint32_t i = 0; i < all->count; i++) {
		if (i % STRIDE == 0)
			all->marks[i / STRIDE] = (struct opportunity_mark){.before = at, .offset = offset};
		at += next_gap(all, &offset);
	}
	return true;
}

bool opportunities_alike(const struct opportunities *a, const struct opportunities *b)
{
	return a->count == b->count && a->bytes == b->bytes && a->unit_ns == b->unit_ns && a->period_ns == b->period_ns;
}

void opportunities_end(struct opportunities *all)
{
	free(all->gaps);
	free(all->marks);
}

/* When instant `index` of a cycle is. */
static int64_t instant(const struct opportunities *all, uint32_t index)
{
	const struct opportunity_mark *mark = &all->marks[index / STRIDE];
	int64_t at = mark->before;
	size_t offset = mark->offset;

	for (uint32_t i = 0; i <= index % STRIDE; i++)
		at += next_gap(all, &offset);
	return at * all->unit_ns;
}

/* The index of the first instant of a cycle that is at `t` or later; `count` if there is none. */
static uint32_t first_index(const struct opportunities *all, int64_t t)
{
	int64_t units = t / all->unit_ns + (t % all->unit_ns != 0), at;
	uint32_t low = 0, high = (all->count - 1) / STRIDE, index;
	size_t offset;

	while (low < high) { /* the last stride that begins before */
		uint32_t middle = low + (high - low + 1) / 2;

		if (all->marks[middle].before < units)
			low = middle;
		else
			high = middle - 1;
	}
	index = low * STRIDE;
	offset = all->marks[low].offset;
	for (at = all->marks[low].before; index < all->count; index++) {
		at += next_gap(all, &offset);
		if (at >= units)
			break;
	}
	return index;
}

/* The number of the first that is at `t` or later, where the trace starts at 0. */
static work first_number(const struct opportunities *all, int64_t t)
{
	int64_t cycle = t / all->period_ns, rest = t % all->period_ns;

	if (rest == 0 && cycle > 0) { /* an instant at the end of a cycle is the beginning of the next, and comes first */
		cycle--;
		rest = all->period_ns;
	}
	return (work)cycle * all->count + first_index(all, rest);
}

static int64_t time_of(const struct opportunities *all, int64_t t0, bool scenario, work number)
{
	work cycle = number / all->count;
	work time;

	if (cycle > INT64_MAX)
		return TIME_NEVER;
	time = cycle * (work)all->period_ns + (work)instant(all, (uint32_t)(number % all->count)) + (scenario ? (work)t0 : 0);
	return time > INT64_MAX ? TIME_NEVER : (int64_t)time;
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
