/*
 * Memory that a link's two AF_XDP sockets share with the kernel, in chunks of one frame each. Used by one thread at a time.
 *
 * Each chunk has one owner at any time. Some belong to a port for receiving, and are in its fill or receive ring for ever.
 * The others are for waiting and sending: free; the caller's, who has a frame inside the link in it; or lent to the kernel,
 * from when it is put into a transmit ring until the kernel has posted it to the completion ring, or never will.
 */
#ifndef PLCTL_UMEM_H
#define PLCTL_UMEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/pool.h"
#include "model/invariant.h"

#define UMEM_HEADROOM 256 /* of every chunk, before the frame: the kernel's XDP_PACKET_HEADROOM */

enum chunk_owner { CHUNK_FREE, CHUNK_TAKEN, CHUNK_LENT };

struct umem {
	uint8_t *memory;
	struct frame *frames; /* what the model needs of the frame in each chunk; not shared with the kernel */
	uint8_t *owners;      /* enum chunk_owner of each */
	uint32_t *free;       /* numbers of free chunks; the last given is the first taken, while caches still hold it */
	uint32_t free_count;
	uint32_t chunks;
	uint32_t chunk_bytes; /* a power of two ... */
	uint32_t chunk_shift; /* ... this one */
	struct budget *budget;
	size_t budgeted_bytes;
	atomic_uint users; /* ports that hold it; both may be closed at once */
};

uint32_t umem_chunk_bytes(uint32_t longest); /* for frames of up to `longest` bytes; 0: no chunk holds them */

/* With every chunk free and one user; `budgeted` chunks count against the budget. NULL: that or memory is spent. */
struct umem *umem_new(struct budget *budget, uint32_t chunk_bytes, uint32_t chunks, uint32_t budgeted);
void umem_release(struct umem *umem); /* one user less; the last takes it all with it */

static inline size_t umem_bytes(const struct umem *umem)
{
	return (size_t)umem->chunks * umem->chunk_bytes;
}

static inline uint64_t umem_chunk(const struct umem *umem, uint64_t address) /* as in a descriptor */
{
	return address >> umem->chunk_shift;
}

static inline uint64_t umem_address(const struct umem *umem, uint32_t chunk)
{
	return (uint64_t)chunk << umem->chunk_shift;
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
	uint32_t chunk;

	INVARIANT(umem->free_count > 0);
	chunk = umem->free[--umem->free_count];
	INVARIANT(umem->owners[chunk] == CHUNK_FREE);
	umem->owners[chunk] = CHUNK_TAKEN;
	PERMIT(umem->memory + umem_address(umem, chunk), umem->chunk_bytes);
	return chunk;
}

static inline void umem_give(struct umem *umem, uint32_t chunk) /* it is not free */
{
	INVARIANT(umem->owners[chunk] != CHUNK_FREE);
	umem->owners[chunk] = CHUNK_FREE;
	umem->free[umem->free_count++] = chunk;
	FORBID(umem->memory + umem_address(umem, chunk), umem->chunk_bytes);
}

static inline void umem_lend(struct umem *umem, uint32_t chunk) /* to the kernel; it is the caller's */
{
	INVARIANT(umem->owners[chunk] == CHUNK_TAKEN);
	umem->owners[chunk] = CHUNK_LENT;
}

static inline bool umem_is_lent(const struct umem *umem, uint64_t address)
{
	uint64_t chunk = umem_chunk(umem, address);

	return chunk < umem->chunks && umem->owners[chunk] == CHUNK_LENT;
}

/* The kernel says that it is done with the chunk at `address`: it is free. What was not lent stays as it is. */
static inline void umem_take_back(struct umem *umem, uint64_t address)
{
	if (umem_is_lent(umem, address))
		umem_give(umem, (uint32_t)umem_chunk(umem, address));
}

#endif
