/*
 * What arrives at a packet socket with virtio headers, frames and super-frames, shown as the segments that they are.
 *
 * Each is received into a slot of the link's pool. What is long stays there, and another slot takes its place; what is short
 * is copied to where it wastes none.
 */
#ifndef PLCTL_OFFLOAD_RECEIVE_H
#define PLCTL_OFFLOAD_RECEIVE_H

#include "offload/held.h"
#include "io/port.h"

#ifndef SUPER_SLOTS
#define SUPER_SLOTS 7 /* both ports' come from one chunk of the pool */
#endif
#define SUPER_RECEPTIONS (PORT_BATCH + SUPER_SLOTS)

/* What one message brought. */
struct reception {
	struct held *held; /* NULL: it is too short or too long */
	int64_t stamp_ns;
	uint32_t segments; /* of them, 1 if there is none */
};

struct super_receive {
	struct pool *pool;
	uint32_t longest; /* bytes of a segment */
	struct held *slots[SUPER_SLOTS]; /* with another reference: a frame is in it that cannot be kept, and is not released yet */
	struct reception receptions[SUPER_RECEPTIONS];
	uint32_t head; /* the oldest that is not released, and how many of its segments are ... */
	uint32_t head_segment;
	uint32_t count; /* of receptions */
	bool cut_short; /* the socket may have more, as all slots are in use */
};

/* 0 or an errno; super_receive_end() is due either way. */
int super_receive_begin(struct super_receive *self, struct pool *pool, uint32_t longest);
void super_receive_end(struct super_receive *self);

/* As port_receive() and port_release(). */
unsigned super_receive(struct super_receive *self, int socket, struct arrival *batch);
void super_receive_release(struct super_receive *self, unsigned count);

#endif
