/* See wall.h. */
#include "path/wall.h"

#include "path/clock.h"

#define AGREE_NS 1000       /* readings on several CPUs may contradict each other by so little, and prove nothing */
#define TIGHT_NS 10000      /* a reading that took longer was interrupted */
#define ATTEMPTS 10         /* to read both clocks without being interrupted */
#define STAMP_SLACK_NS 1000000 /* a frame is in the ring this soon after it was stamped */
#define PROMPT_NS 5000000   /* a worker that is not held up reads a frame this soon */

void wall_learn(struct wall *wall, int64_t before_ns, int64_t wall_ns, int64_t after_ns)
{
	int64_t low = wall_ns - after_ns, high = wall_ns - before_ns;

	if (low > wall->high + AGREE_NS || high < wall->low - AGREE_NS) {
		wall->before = wall->low;
		wall->set_after_ns = wall->read_ns;
		wall->set_by_ns = after_ns;
		wall->low = low;
		wall->high = high;
	}
	if (low > wall->high || high < wall->low) {
		wall->low = low;
		wall->high = high;
	}
	wall->low = low > wall->low ? low : wall->low;
	wall->high = high < wall->high ? high : wall->high;
	wall->read_ns = before_ns;
}

/* Reads both clocks, again as long as something came in between. */
static int64_t read_tightly(struct wall *wall)
{
	int64_t before, wall_ns, after;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		before = monotonic_ns();
		wall_ns = clock_ns(CLOCK_REALTIME);
		after = monotonic_ns();
		if (after - before <= TIGHT_NS)
			break;
	}
	wall_learn(wall, before, wall_ns, after);
	return after;
}

void wall_init(struct wall *wall)
{
	int64_t now = monotonic_ns(), offset = clock_ns(CLOCK_REALTIME) - now;

	*wall = (struct wall){.low = offset, .high = offset};
	read_tightly(wall);
	wall->set_after_ns = wall->set_by_ns = 0; /* if it was set between these two lines, no frame has come yet */
}

int64_t wall_read(struct wall *wall, int64_t not_before)
{
	int64_t wall_ns = clock_ns(CLOCK_REALTIME), after = monotonic_ns();

	if (wall_ns - after < wall->low - AGREE_NS) /* interrupted, or the clock was set back */
		return read_tightly(wall);
	wall_learn(wall, not_before, wall_ns, after);
	return after;
}

static int64_t clamp(int64_t at, int64_t earliest, int64_t latest)
{
	if (at > latest)
		return latest;
	return at < earliest ? earliest : at;
}

/* Of two times that are both possible the one, and how far the other is from it. */
static struct wall_time one_of(int64_t at, int64_t other)
{
	return (struct wall_time){at, at > other ? at - other : other - at};
}

struct wall_time wall_arrival(const struct wall *wall, int64_t stamp_ns, int64_t earliest_ns, int64_t latest_ns)
{
	int64_t since = stamp_ns - wall->low, until = stamp_ns - wall->before; /* it was stamped after, or before, the setting */
	bool may_be_since, may_be_until;

	if (earliest_ns > wall->set_by_ns)
		return (struct wall_time){.at_ns = since < latest_ns ? since : latest_ns};
	may_be_since = since >= earliest_ns - STAMP_SLACK_NS && since >= wall->set_after_ns && since <= latest_ns;
	may_be_until = until >= earliest_ns - STAMP_SLACK_NS && until <= wall->set_by_ns;
	if (may_be_since && may_be_until)
		return since >= latest_ns - PROMPT_NS ? one_of(since, until) : one_of(until, since);
	if (may_be_since || may_be_until)
		return (struct wall_time){.at_ns = may_be_since ? since : until};
	since = clamp(since, earliest_ns, latest_ns); /* it was set more than once: all that is certain is when to look */
	return one_of(since, since - earliest_ns > latest_ns - since ? earliest_ns : latest_ns);
}
