/* See send.h. */
#include "offload/send.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "frames/super_frame.h"
#include "offload/held.h"
#include "io/packet_socket.h"

#define PIECES_MAX (3 * PORT_SEND_MAX) /* a virtio header, headers and payload of each, if every segment leaves alone */

/* What leaves as one. */
struct parcel {
	struct super_frame frame;
	struct virtio_net_hdr virtio;
	uint8_t head[SEGMENTS_HEAD_MAX];
	unsigned first; /* of the frames ... */
	unsigned count;
	unsigned piece; /* of the pieces */
};

struct super_send {
	unsigned parcels;
	unsigned pieces;
	struct parcel parcel[PORT_SEND_MAX];
	struct mmsghdr messages[PORT_SEND_MAX];
	struct iovec piece[PIECES_MAX];
};

struct super_send *super_send_new(void)
{
	return calloc(1, sizeof(struct super_send)); /* of which the kernel gives what is touched */
}

static struct iovec payload_of(const struct segment *segment)
{
	const struct segments *segments = &segment->held->segments;

	return (struct iovec){segment->held->data + segments_payload_at(segments, segment->index),
		segments_payload(segments, segment->index)};
}

/* The payload follows what the parcel has: in the same piece if it lies behind it. */
static void append(struct super_send *self, const struct segment *segment)
{
	struct iovec payload = payload_of(segment), *last = &self->piece[self->pieces - 1];

	if ((uint8_t *)last->iov_base + last->iov_len == (uint8_t *)payload.iov_base)
		last->iov_len += payload.iov_len;
	else
		self->piece[self->pieces++] = payload;
}

static void begin(struct super_send *self, const struct frame *frame, unsigned i)
{
	struct parcel *parcel = &self->parcel[self->parcels++];
	const struct segment *segment = segment_of(frame);
	const struct held *held = segment->held;

	super_frame_begin(&parcel->frame, &held->segments, held->data, segment->index, frame->packet.marked && !held->alone);
	parcel->first = i;
	parcel->count = 1;
	parcel->piece = self->pieces;
	self->pieces += 2; /* for both headers */
	self->piece[self->pieces++] = payload_of(segment);
}

/* Whether the frame leaves together with those before it, of which `before` is the last. */
static bool join(struct super_send *self, const struct frame *before, const struct frame *frame)
{
	const struct segment *segment = segment_of(frame);
	const struct held *held = segment->held;
	struct parcel *parcel;

	if (!before || held->alone || segment_of(before)->held->alone)
		return false;
	parcel = &self->parcel[self->parcels - 1];
	if (!super_frame_add(&parcel->frame, &held->segments, held->data, segment->index, frame->packet.marked))
		return false;
	parcel->count++;
	append(self, segment);
	return true;
}

static void finish(struct super_send *self, unsigned i)
{
	struct parcel *parcel = &self->parcel[i];
	unsigned end = i + 1 < self->parcels ? self->parcel[i + 1].piece : self->pieces;
	struct iovec *pieces = &self->piece[parcel->piece];

	pieces[1] = (struct iovec){parcel->head, super_frame_write(&parcel->frame, parcel->head, &parcel->virtio)};
	pieces[0] = (struct iovec){&parcel->virtio, sizeof(parcel->virtio)};
	self->messages[i].msg_hdr = (struct msghdr){.msg_iov = pieces, .msg_iovlen = end - parcel->piece};
}

static void pack(struct super_send *self, struct frame *const *frames, unsigned count)
{
	const struct frame *before = NULL;

	self->parcels = self->pieces = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!segment_of(frames[i])->held) {
			before = NULL;
			continue;
		}
		if (!join(self, before, frames[i]))
			begin(self, frames[i], i);
		before = frames[i];
	}
	for (unsigned i = 0; i < self->parcels; i++)
		finish(self, i);
}

void super_send(struct super_send *self, int socket, struct frame *const *frames, unsigned count, struct sent *sent)
{
	uint64_t words[(PORT_SEND_MAX + 63) / 64] = {0};

	pack(self, frames, count);
	packet_socket_send(socket, self->messages, self->parcels, words);
	for (unsigned i = 0; i < self->parcels; i++) {
		const struct parcel *parcel = &self->parcel[i];

		if (!(words[i / 64] >> i % 64 & 1))
			continue;
		sent->as_counted++;
		for (unsigned k = 0; k < parcel->count; k++)
			sent_set(sent, parcel->first + k);
	}
}
