/*
 * The store of the frames that are inside one link: fixed slots of a few sizes, cut from mapped chunks on demand and
 * reused last in, first out while the caches still hold them. Used by one thread at a time; only the budget is shared.
 */
#ifndef PLCTL_POOL_H
#define PLCTL_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "model/half.h"

/* A frame on its way through a link. The model sees only `packet`, which comes first so that one is the other. */
struct frame {
	struct packet packet;
	uint64_t number;  /* of its arrival in its direction, from 1 */
	int64_t moved_ns; /* by how much the model had to move its arrival up: it counts as lateness */
	uint8_t *data;    /* the Ethernet frame without FCS */
	uint32_t length;  /* its bytes */
	uint32_t size_class; /* of the pool's, or FRAME_OF_PORT */
};

#define FRAME_OF_PORT UINT32_MAX /* the data, and this structure, lie in memory that a port shares with the kernel */
#define FRAME_MAX 9728 /* bytes of the longest frame: a 9216-byte MTU with its headers, and room */
#define ROOM_MAX 69504 /* bytes of data that the largest slot holds: a super-frame, and what is known of it */

/* Bytes that all pools drawing on it may still map. */
struct budget {
	_Atomic int64_t left_bytes;
};

struct pool;

struct pool *pool_new(struct budget *budget); /* borrowed for the pool's life; NULL: ENOMEM */
void pool_free(struct pool *pool);            /* with every frame in it; gives its bytes back to the budget */

/* A frame with room for `length` <= ROOM_MAX bytes of data, which it is set to; NULL: the budget is spent. */
struct frame *pool_take(struct pool *pool, uint32_t length);
void pool_give(struct pool *pool, struct frame *frame);

/* Bytes that a frame with `length` <= ROOM_MAX bytes of data takes. */
uint32_t pool_slot_bytes(uint32_t length);

#endif
