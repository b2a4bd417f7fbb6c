/*
 * Any bytes as frames with virtio headers, some of whose segments leave: whatever they say, nothing outside a frame is read,
 * and what leaves has the bytes of what came. The input is the number of bytes of the first frame (2), a virtio header each
 * (10), whether the second is the first again (1 bit), then both. Each copy ends where its frame does, so that ASan sees a byte too far.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames/super_frame.h"
#include "require.h"

#define HEADS (2 + 1 + 2 * sizeof(struct virtio_net_hdr))

struct came {
	uint8_t *data;
	struct segments segments;
	bool read;
};

static struct came come(const uint8_t *data, size_t length, const uint8_t *virtio)
{
	struct came came = {.data = malloc(length ? length : 1)};
	struct virtio_net_hdr header;

	REQUIRE(came.data);
	memcpy(came.data, data, length);
	memcpy(&header, virtio, sizeof(header));
	came.read = segments_read(came.data, (uint32_t)length, &header, &came.segments);
	return came;
}

/* Every segment alone: together they have the payload. */
static void cut(const struct came *came)
{
	uint32_t payload = 0;

	for (uint32_t i = 0; i < came->segments.count; i++) {
		uint32_t length = segments_length(&came->segments, i);
		uint8_t *frame = malloc(length ? length : 1);

		REQUIRE(frame);
		REQUIRE(segments_cut(&came->segments, came->data, i, i & 1, frame) == length);
		REQUIRE(!memcmp(frame + came->segments.head, came->data + segments_payload_at(&came->segments, i),
			length - came->segments.head) || came->segments.kind == SEGMENTS_OPAQUE);
		payload += length - came->segments.head;
		free(frame);
	}
	REQUIRE(came->segments.head + payload == came->segments.length);
}

static void write(const struct super_frame *super, uint32_t *written)
{
	struct virtio_net_hdr virtio;
	uint8_t *head = malloc(super->leader->head ? super->leader->head : 1);

	REQUIRE(head);
	REQUIRE(super->leader->head <= SEGMENTS_HEAD_MAX);
	REQUIRE(super_frame_write(super, head, &virtio) == super->leader->head);
	*written += super->payload;
	free(head);
}

/* All segments, in order, as many together as can be. */
static void join(const struct came came[2])
{
	struct super_frame super = {0};
	uint32_t written = 0, payload = 0;

	for (int n = 0; n < 2; n++) {
		const struct segments *of = &came[n].segments;

		for (uint32_t i = 0; came[n].read && i < of->count; i++) {
			payload += segments_payload(of, i);
			if (super.count && super_frame_add(&super, of, came[n].data, i, false))
				continue;
			if (super.count)
				write(&super, &written);
			super_frame_begin(&super, of, came[n].data, i, false);
		}
	}
	if (super.count)
		write(&super, &written);
	REQUIRE(written == payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *virtio = data + 3;
	struct came came[2];
	size_t first;

	if (size < HEADS)
		return 0;
	size -= HEADS;
	first = (size_t)(data[0] << 8 | data[1]) % (size + 1);
	came[0] = come(data + HEADS, first, virtio);
	if (data[2] & 1)
		came[1] = come(data + HEADS, first, virtio);
	else
		came[1] = come(data + HEADS + first, size - first, virtio + sizeof(struct virtio_net_hdr));
	for (int n = 0; n < 2; n++)
		if (came[n].read)
			cut(&came[n]);
	join(came);
	for (int n = 0; n < 2; n++) {
		struct segments tagged = came[n].segments;

		segments_insert_tag(&tagged);
		free(came[n].data);
	}
	return 0;
}
