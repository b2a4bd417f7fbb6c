/*
 * Segments that leave together: neighbours of one frame, and behind them those of further frames where the kernel's GRO would
 * have merged them. What the receiver's transport reads is the same as if they had come one by one.
 *
 * The bytes that leave are the virtio header, the headers that super_frame_write() makes, and then the payload of each
 * segment in order, from where it lies (segments_payload_at(), segments_payload(); neighbours of one frame are one piece).
 */
#ifndef PLCTL_SUPER_FRAME_H
#define PLCTL_SUPER_FRAME_H

#include "frames/segments.h"

/* Borrows the frames that it is made of; their bytes must not change, nor their segments, until it has been written. */
struct super_frame {
	const struct segments *leader; /* the frame whose segment it begins with, and whose headers it takes */
	const uint8_t *data;           /* that frame's bytes */
	uint32_t first;                /* that segment */
	uint32_t count;                /* of segments in all */
	uint32_t size;                 /* bytes of payload of each but the last, which may have less */
	uint32_t payload;              /* bytes in all */
	const struct segments *last;   /* the frame of the last segment */
	uint32_t next;                 /* the segment of that frame which would be the last one's neighbour */
	uint8_t end_flags;             /* FIN and PSH of the last segment */
	bool ce;                       /* all are to be marked; else none */
	bool closed;                   /* nothing can follow */
};

/* Begins with segment i of a frame; `ce`: its ECN field is to be set to CE. */
void super_frame_begin(struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i, bool ce);

/*
 * Lets segment i of a frame, the leader or another, follow, if GRO would: the same flow and headers but for what numbers them,
 * the next sequence number and IP ID, an equal size unless it ends the super-frame, not more than 65535 bytes of IP. False: it
 * cannot; nothing has changed, and it begins a super-frame of its own. A payload that the path corrupted must not be
 * offered (segments_cut()): the receiver could not find out.
 */
bool super_frame_add(struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i, bool ce);

/*
 * Writes the headers into head[0 ... SEGMENTS_HEAD_MAX) and the virtio header to go before them. Returns the bytes of head,
 * which are the leader's `head`. One segment that came alone leaves as it came, but for CE; one that was cut out of a super-frame is a frame
 * with a partial checksum; several are a super-frame.
 */
uint32_t super_frame_write(const struct super_frame *self, uint8_t *head, struct virtio_net_hdr *virtio);

/*
 * Segment i of a frame alone, as it is on the wire: headers and payload into frame[0 ... segments_length(i)), a checksum that was
 * partial completed, CE set if `ce`. What the path corrupts, or what leaves by a socket without virtio headers, leaves like this.
 * Returns its length.
 */
uint32_t segments_cut(const struct segments *of, const uint8_t *data, uint32_t i, bool ce, uint8_t *frame);

#endif
