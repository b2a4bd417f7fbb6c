/*
 * What arrived in one piece, a frame or a super-frame, held once for all of its segments that are inside a link.
 *
 * It lies in a slot of the link's pool. A segment's `struct frame` has for data a reference to it, and nothing else; the
 * last reference that is given up gives up the slot.
 */
#ifndef PLCTL_HELD_H
#define PLCTL_HELD_H

#include "frames/segments.h"
#include "io/pool.h"

#define HELD_TAG_ROOM 4      /* bytes before the data, for a VLAN tag that the kernel took out */
#define HELD_MAX (64 * 1024 + 64) /* bytes of the longest super-frame: an IP packet with its Ethernet header and tags */

struct held {
	struct frame *room;   /* which has it for data */
	uint8_t *data;        /* the frame's bytes, behind this */
	uint32_t references;
	bool refused;         /* there is no memory to keep it: it only waits to be looked at */
	bool alone;           /* a frame that the path changed: nothing may leave together with it */
	struct segments segments;
};

/* What a segment's frame has for data. */
struct segment {
	struct held *held; /* NULL: it is lost, as there was no memory to change it */
	uint32_t index;
};

static inline struct segment *segment_of(const struct frame *frame)
{
	return (struct segment *)frame->data;
}

/* Room for a frame of `length` <= HELD_MAX bytes, with one reference; NULL: the budget is spent. */
struct held *held_take(struct pool *pool, uint32_t length);

/* The frame of `from`, which has one reference and no segments yet, in room of its size; NULL: the budget is spent. */
struct held *held_fit(struct pool *pool, const struct held *from, uint32_t length);

void held_give(struct pool *pool, struct held *held); /* one reference less */

/* A frame for segment `index` of what is held, which has a reference more; its length is the segment's. NULL: the budget is spent. */
struct frame *held_segment(struct pool *pool, struct held *held, uint32_t index);
void held_give_segment(struct pool *pool, struct frame *frame);

/*
 * Makes the segment a frame of its own, as it is on the wire, with the CE mark that it has and one bit flipped of those behind
 * its Ethernet header. Without memory it is lost.
 */
void held_corrupt(struct pool *pool, struct frame *frame, uint32_t bit);

#endif
