/* See gathering.h. */
#include "path/gathering.h"

#define HABIT_NS 1000000 /* who has waited will wait again */

bool gathering_waits(const struct gathering *self, struct patience *patience, int64_t next_due, int64_t now)
{
	int64_t half = patience->most_ns / 2;

	if (next_due - self->frames.tail->due > half || next_due > self->first_due_ns + patience->most_ns)
		return false;
	patience->until_ns = now + HABIT_NS;
	return now < self->first_due_ns + half;
}

struct appointment gathering_next(const struct gathering *self, const struct patience *patience, bool waits, int64_t next_due)
{
	if (!waits && next_due >= patience->until_ns)
		return (struct appointment){next_due, 0};
	return (struct appointment){(waits ? self->first_due_ns : next_due) + patience->most_ns, patience->most_ns / 2};
}
