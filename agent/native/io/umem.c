/* See umem.h. */
#include "io/umem.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_MIN 2048 /* what the kernel allows; the most is a page */
#define CHUNK_MAX 4096

uint32_t umem_chunk_bytes(uint32_t longest)
{
	uint32_t chunk = CHUNK_MIN;

	while (chunk <= CHUNK_MAX && chunk - UMEM_HEADROOM < longest)
		chunk *= 2;
	return chunk <= CHUNK_MAX ? chunk : 0;
}

static void give_back(struct umem *umem)
{
	atomic_fetch_add(&umem->budget->left_bytes, umem->budgeted_bytes);
	if (umem->memory && umem->memory != MAP_FAILED) {
		PERMIT(umem->memory, umem_bytes(umem));
		munmap(umem->memory, umem_bytes(umem));
	}
	free(umem->frames);
	free(umem->owners);
	free(umem->free);
	free(umem);
}

static bool map(struct umem *umem)
{
	umem->frames = calloc(umem->chunks, sizeof(*umem->frames));
	umem->owners = calloc(umem->chunks, sizeof(*umem->owners));
	umem->free = calloc(umem->chunks, sizeof(*umem->free));
	umem->memory = mmap(NULL, umem_bytes(umem), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return umem->frames && umem->owners && umem->free && umem->memory != MAP_FAILED;
}

struct umem *umem_new(struct budget *budget, uint32_t chunk_bytes, uint32_t chunks, uint32_t budgeted)
{
	struct umem *umem = calloc(1, sizeof(*umem));

	if (!umem)
		return NULL;
	*umem = (struct umem){.chunks = chunks, .chunk_bytes = chunk_bytes, .budget = budget, .users = 1};
	umem->chunk_shift = (uint32_t)__builtin_ctz(chunk_bytes);
	umem->budgeted_bytes = (size_t)budgeted * chunk_bytes;
	if (atomic_fetch_sub(&budget->left_bytes, umem->budgeted_bytes) < (int64_t)umem->budgeted_bytes || !map(umem)) {
		give_back(umem);
		return NULL;
	}
	for (uint32_t chunk = 0; chunk < chunks; chunk++) {
		umem->frames[chunk].data = umem->memory + umem_address(umem, chunk) + UMEM_HEADROOM;
		umem->frames[chunk].size_class = FRAME_OF_PORT;
		umem->owners[chunk] = CHUNK_TAKEN;
		umem_give(umem, chunk);
	}
	return umem;
}

void umem_release(struct umem *umem)
{
	if (atomic_fetch_sub(&umem->users, 1) == 1)
		give_back(umem);
}
