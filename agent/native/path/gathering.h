/* What has become due in a lane and has not been sent yet, in order: so that segments of super-frames leave together. */
#ifndef PLCTL_GATHERING_H
#define PLCTL_GATHERING_H

#include "io/pool.h"
#include "model/queue.h"

struct gathering {
	struct fifo frames;
	unsigned count;
	int64_t first_due_ns; /* of the first; where there is one */
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

/* As half_overdue(): all of it is due. */
static inline void gathering_overdue(const struct gathering *self, int64_t *packets, int64_t *oldest)
{
	if (!self->count)
		return;
	*packets += self->count;
	*oldest = *oldest && *oldest < self->first_due_ns ? *oldest : self->first_due_ns;
}

#endif
