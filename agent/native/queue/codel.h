/*
 * CoDel (RFC 8289) over one FIFO: lets go of a frame as it comes to be served once frames have waited longer than the target
 * for an interval, and then again in ever shorter intervals.
 */
#ifndef PLCTL_CODEL_H
#define PLCTL_CODEL_H

#include "model/queue.h"

#define CODEL_DROPPING_PPM 1000000 /* what telemetry gets in the dropping state */

struct codel_parameters {
	int64_t target_ns;
	int64_t interval_ns;
	bool ecn; /* marks instead, where the frame allows it */
	int64_t ce_threshold_ns; /* marks what has waited longer, whatever else; -1: does not */
};

/* Of one FIFO; zeros at first. */
struct codel {
	int64_t bytes;       /* in the FIFO; kept by whoever puts frames in, too */
	int64_t first_above; /* when frames will have waited too long for an interval; 0: they do not */
	int64_t drop_next;   /* when the next frame is to go, in the dropping state */
	uint64_t count;      /* of frames that went since that began ... */
	uint64_t last_count; /* ... as it was when it last began */
	bool dropping;
};

/* The FIFO is asked for a frame and has none: that ends the dropping state. */
static inline void codel_find_empty(struct codel *codel)
{
	codel->first_above = 0;
	codel->dropping = false;
}

/* The next frame of the FIFO, in which there is one. */
struct packet *codel_next(struct codel *codel, struct queue *queue, struct fifo *fifo,
	const struct codel_parameters *parameters, int64_t now);

/* When the next frame goes after one that was to go at t: t + interval / sqrt(count), rounded down. */
int64_t codel_control_law(int64_t t, int64_t interval_ns, uint64_t count);

#endif
