/* See held.h. */
#include "offload/held.h"

#include <string.h>

#include "frames/super_frame.h"
#include "model/invariant.h"

#define ETHERNET_HEAD 14

_Static_assert(sizeof(struct held) + HELD_TAG_ROOM + HELD_MAX <= ROOM_MAX, "what is longest has room in a slot");
_Static_assert(sizeof(struct frame) + sizeof(struct segment) <= 128, "a segment takes the smallest slot");

struct held *held_take(struct pool *pool, uint32_t length)
{
	struct frame *room = pool_take(pool, sizeof(struct held) + HELD_TAG_ROOM + length);
	struct held *held;

	if (!room)
		return NULL;
	held = (struct held *)room->data;
	held->room = room;
	held->data = (uint8_t *)(held + 1) + HELD_TAG_ROOM;
	held->references = 1;
	held->refused = held->alone = false;
	return held;
}

struct held *held_fit(struct pool *pool, const struct held *from, uint32_t length)
{
	struct held *held = held_take(pool, length);

	if (held)
		memcpy(held->data, from->data, length);
	return held;
}

void held_give(struct pool *pool, struct held *held)
{
	INVARIANT(held->references > 0);
	if (!--held->references)
		pool_give(pool, held->room);
}

struct frame *held_segment(struct pool *pool, struct held *held, uint32_t index)
{
	struct frame *frame = pool_take(pool, sizeof(struct segment));

	if (!frame)
		return NULL;
	held->references++;
	*segment_of(frame) = (struct segment){held, index};
	frame->length = segments_length(&held->segments, index);
	return frame;
}

void held_give_segment(struct pool *pool, struct frame *frame)
{
	struct held *held = segment_of(frame)->held;

	if (held)
		held_give(pool, held);
	pool_give(pool, frame);
}

void held_corrupt(struct pool *pool, struct frame *frame, uint32_t bit)
{
	struct segment *segment = segment_of(frame);
	struct held *from = segment->held, *made = held_take(pool, frame->length);

	if (made) {
		segments_cut(&from->segments, from->data, segment->index, frame->packet.marked, made->data);
		if (frame->length > ETHERNET_HEAD)
			made->data[ETHERNET_HEAD + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		segments_read(made->data, frame->length, NULL, &made->segments);
		made->alone = true;
	}
	held_give(pool, from);
	*segment = (struct segment){made, 0};
}
