/* See gathering.h. */
#include "path/gathering.h"

#define HABIT_NS 1000000 /* who has waited will wait again */

static int64_t slack(const struct gathering *self)
{
	return self->patience_ns / 2;
}

bool gathering_waits(const struct gathering *self, struct patience *patience, int64_t next_due, int64_t now)
{
	int64_t limit = self->first_due_ns + self->patience_ns;

	if (next_due > limit || next_due - self->frames.tail->due > patience->near_ns)
		return false;
	patience->until_ns = now + HABIT_NS;
	return now < limit - slack(self);
}

struct appointment gathering_next(const struct gathering *self, const struct patience *patience, bool waits, int64_t next_due)
{
	if (waits)
		return (struct appointment){self->first_due_ns + self->patience_ns, slack(self)};
	if (next_due >= patience->until_ns)
		return (struct appointment){next_due, 0};
	return (struct appointment){next_due + self->patience_ns, slack(self)};
}
