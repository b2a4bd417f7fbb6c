/*
 * What has become due in a lane and has not been sent yet, in order: so that segments of super-frames leave together; and how
 * long they wait for each other.
 */
#ifndef PLCTL_GATHERING_H
#define PLCTL_GATHERING_H

#include <stdbool.h>

#include "io/pool.h"
#include "model/queue.h"

/* How long frames of a link may wait for each other. */
struct patience {
	int64_t most_ns;  /* `coalesce`; 0: nothing waits */
	int64_t until_ns; /* segments have waited: until then what is due on either lane, whatever it is, leaves when it suits */
};

struct gathering {
	struct fifo frames;
	unsigned count;
	int64_t first_due_ns; /* of the first; where there is one */
};

/* Within which time a lane is to be delivered: from `by_ns` - `slack_ns` on, and no later than by_ns. */
struct appointment {
	int64_t by_ns;
	int64_t slack_ns;
};

static inline void gathering_add(struct gathering *self, struct packet *packet)
{
	if (!self->count++)
		self->first_due_ns = packet->due;
	fifo_put(&self->frames, packet);
}

static inline void gathering_take(struct gathering *self, struct frame **frames) /* all: there is room for them */
{
	for (unsigned i = 0; i < self->count; i++)
		frames[i] = (struct frame *)fifo_take(&self->frames);
	self->count = 0;
}

/*
 * Whether what has gathered waits at `now` for what is due at `next_due`, which may belong to it: if that is soon, half of the
 * patience behind the last at most, and not in the second half of it: who wakes then need not spin until it ends.
 */
bool gathering_waits(const struct gathering *self, struct patience *patience, int64_t next_due, int64_t now);

/* When the lane is to be looked at again: of what waits, if it `waits`, else of what is due next. */
struct appointment gathering_next(const struct gathering *self, const struct patience *patience, bool waits,
	int64_t next_due);

/* As half_overdue(): all of it is due. */
static inline void gathering_overdue(const struct gathering *self, int64_t *packets, int64_t *oldest)
{
	if (!self->count)
		return;
	*packets += self->count;
	*oldest = *oldest && *oldest < self->first_due_ns ? *oldest : self->first_due_ns;
}

#endif
