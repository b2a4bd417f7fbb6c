/*
 * Memory that a link's two AF_XDP sockets share with the kernel, in chunks of one frame each. Used by one thread at a time.
 *
 * A chunk belongs to a port for receiving, and is in its fill or receive ring; or it is one for waiting and sending: in
 * the list of free ones, inside the link (its struct frame is the model's), or in a transmit or completion ring.
 */
#ifndef PLCTL_UMEM_H
#define PLCTL_UMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/pool.h"

#define UMEM_HEADROOM 256 /* of every chunk, before the frame: the kernel's XDP_PACKET_HEADROOM */

struct umem {
	uint8_t *memory;
	struct frame *frames; /* what the model needs of the frame in each chunk; not shared with the kernel */
	uint32_t *free;       /* numbers of free chunks; the last given is the first taken, while caches still hold it */
	uint32_t free_count;
	uint32_t chunks;
	uint32_t chunk_bytes; /* a power of two */
	struct budget *budget;
	size_t budgeted_bytes;
	unsigned users; /* ports that hold it */
};

uint32_t umem_chunk_bytes(uint32_t longest); /* for frames of up to `longest` bytes; 0: no chunk holds them */

/* With every chunk free and one user; `budgeted` chunks count against the budget. NULL: that or memory is spent. */
struct umem *umem_new(struct budget *budget, uint32_t chunk_bytes, uint32_t chunks, uint32_t budgeted);
void umem_release(struct umem *umem); /* one user less; the last takes it all with it */

static inline size_t umem_bytes(const struct umem *umem)
{
	return (size_t)umem->chunks * umem->chunk_bytes;
}

static inline uint32_t umem_chunk(const struct umem *umem, uint64_t address) /* as in a descriptor */
{
	return address / umem->chunk_bytes;
}

static inline uint64_t umem_address(const struct umem *umem, uint32_t chunk)
{
	return (uint64_t)chunk * umem->chunk_bytes;
}

static inline bool umem_holds(const struct frame *frame)
{
	return frame->size_class == FRAME_OF_PORT;
}

static inline uint32_t umem_chunk_of(const struct umem *umem, const struct frame *frame)
{
	return frame - umem->frames;
}

static inline uint32_t umem_take(struct umem *umem) /* there is a free one */
{
	return umem->free[--umem->free_count];
}

static inline void umem_give(struct umem *umem, uint32_t chunk)
{
	umem->free[umem->free_count++] = chunk;
}

#endif
