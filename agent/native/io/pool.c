/* See pool.h. Free slots of a class form a list through packet.next; untouched ones lie behind the class's `fresh`. */
#include "io/pool.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "model/invariant.h"

#define CHUNK_BYTES (256 * 1024)
#define LARGE_CHUNK_BYTES (1024 * 1024) /* of slots that a small one would hold two of */
#define CLASSES 7

#ifdef PLCTL_CHECKED
#define GIVEN (UINT32_C(1) << 31) /* in the size class of a frame that is free */
#else
#define GIVEN 0
#endif

/* Segments of super-frames, which are held elsewhere; small frames, a 1500-byte MTU, a 9000-byte MTU; super-frames. */
static const uint32_t slot_bytes[CLASSES] = {128, 512, 2048, 10240, 20480, 36864, 69632};

/* The first slot of every chunk is given up to this, so that all slots stay aligned. */
struct chunk {
	struct chunk *next;
	size_t bytes;
};

struct size_class {
	struct packet *free;
	uint8_t *fresh;
	uint8_t *fresh_end;
};

struct pool {
	struct budget *budget;
	struct chunk *chunks;
	struct size_class classes[CLASSES];
};

_Static_assert(FRAME_MAX + sizeof(struct frame) <= 10240, "the largest frame of a 9216-byte MTU fits its slot");
_Static_assert(ROOM_MAX + sizeof(struct frame) <= 69632, "the largest super-frame fits the largest slot");

static uint32_t class_of(uint32_t length)
{
	uint32_t class = 0;

	while (class < CLASSES - 1 && length + sizeof(struct frame) > slot_bytes[class])
		class++;
	return class;
}

struct pool *pool_new(struct budget *budget)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->budget = budget;
	return pool;
}

void pool_free(struct pool *pool)
{
	struct chunk *chunk, *next;

	if (!pool)
		return;
	for (chunk = pool->chunks; chunk; chunk = next) {
		next = chunk->next;
		size_t bytes = chunk->bytes;

		PERMIT(chunk, bytes);
		munmap(chunk, bytes);
		atomic_fetch_add(&pool->budget->left_bytes, (int64_t)bytes);
	}
	free(pool);
}

/* Maps one more chunk for `class`; false if the budget or the machine has no more. */
static bool grow(struct pool *pool, struct size_class *class, uint32_t slot)
{
	int64_t bytes = slot * 3 < CHUNK_BYTES ? CHUNK_BYTES : LARGE_CHUNK_BYTES;
	struct chunk *chunk = MAP_FAILED;

	if (atomic_fetch_sub(&pool->budget->left_bytes, bytes) >= bytes)
		chunk = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk == MAP_FAILED) {
		atomic_fetch_add(&pool->budget->left_bytes, bytes);
		return false;
	}
	*chunk = (struct chunk){pool->chunks, bytes};
	pool->chunks = chunk;
	class->fresh = (uint8_t *)chunk + slot;
	class->fresh_end = (uint8_t *)chunk + bytes / slot * slot;
	FORBID(class->fresh, (size_t)(class->fresh_end - class->fresh));
	return true;
}

struct frame *pool_take(struct pool *pool, uint32_t length)
{
	uint32_t number = class_of(length);
	struct size_class *class = &pool->classes[number];
	struct frame *frame = (struct frame *)class->free;

	if (frame) {
		INVARIANT(frame->size_class == (number | GIVEN));
		class->free = frame->packet.next;
		__builtin_prefetch(class->free, 1);
	} else {
		if (class->fresh == class->fresh_end && !grow(pool, class, slot_bytes[number]))
			return NULL;
		frame = (struct frame *)class->fresh;
		class->fresh += slot_bytes[number];
		PERMIT(frame, sizeof(*frame));
		frame->data = (uint8_t *)(frame + 1);
	}
	frame->size_class = number;
	frame->length = length;
	PERMIT(frame->data, length);
	return frame;
}

void pool_give(struct pool *pool, struct frame *frame)
{
	struct size_class *class;

	INVARIANT(frame->size_class < CLASSES);
	class = &pool->classes[frame->size_class];
	FORBID(frame->data, slot_bytes[frame->size_class] - sizeof(*frame));
	frame->size_class |= GIVEN;
	frame->packet.next = class->free;
	class->free = &frame->packet;
}

uint32_t pool_slot_bytes(uint32_t length)
{
	return slot_bytes[class_of(length)];
}
