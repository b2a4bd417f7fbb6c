/*
 * How a super-frame divides into segments: the frames that its sender's segmentation (GSO: TSO for TCP, USO for UDP) would
 * put on the wire. All of it is read from the headers once; the bytes stay where they are.
 *
 * Pure: no socket, no clock, no allocation. Whatever the headers say, nothing outside the frame is read. A frame without a
 * virtio header, or one that says nothing of segments, is one segment, and every function below holds for it, too.
 *
 * A virtio header cannot tell tunnels, nor that a partial checksum is SCTP's CRC: switch tx-udp_tnl-segmentation, tx-gre-segmentation and
 * their like, and tx-checksum-sctp, off at interfaces that send super-frames.
 */
#ifndef PLCTL_SEGMENTS_H
#define PLCTL_SEGMENTS_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define SEGMENTS_MAX 2048     /* of one super-frame: 64 KiB in the least segments that TCP makes */
#define SEGMENTS_HEAD_MAX 256 /* bytes of the headers that segments repeat */

enum segments_kind { SEGMENTS_OPAQUE, SEGMENTS_TCP, SEGMENTS_UDP }; /* opaque: always one segment */

struct segments {
	uint32_t length;      /* of the frame, in bytes */
	uint32_t count;       /* 1 ... SEGMENTS_MAX */
	uint32_t size;        /* bytes of payload of each segment but the last, which has what is left */
	uint32_t head;        /* bytes before the payload: <= SEGMENTS_HEAD_MAX; of an opaque frame through its IP header */
	uint32_t network;     /* where the IP header begins; = head in a frame without one */
	uint32_t transport;   /* where TCP or UDP begins */
	uint16_t csum_start;  /* as they came; where `partial` */
	uint16_t csum_offset;
	uint16_t pseudo;      /* of TCP and UDP: the sum over the pseudo-header, less the length in it */
	uint8_t kind;         /* an enum segments_kind */
	bool ipv6;
	bool partial;         /* the checksum at csum_start + csum_offset covers the pseudo-header only: the last sender completes it */
	bool trusted;         /* the kernel made the payload's checksum or found it right: nobody has to check it again */
};

/*
 * Reads how a frame divides; `virtio` is what came with it (the first 10 bytes of a virtio_net_hdr_v1 are the same), or NULL.
 * False: it says that it is a super-frame, but its headers do not say of what, contradict it, or it has too many segments; or that
 * a checksum is partial that lies outside the frame. No kernel's TCP or UDP makes such a frame. UFO (gone since Linux
 * 4.14) is refused, too.
 */
bool segments_read(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio, struct segments *segments);

/* The VLAN tag that the kernel had taken out was put in again, 12 bytes from the beginning: all that follows moves by 4. */
void segments_insert_tag(struct segments *segments);

static inline uint32_t segments_payload(const struct segments *segments, uint32_t i) /* bytes of that of segment i < count */
{
	return i + 1 < segments->count ? segments->size : segments->length - segments->head - i * segments->size;
}

static inline uint32_t segments_payload_at(const struct segments *segments, uint32_t i) /* where it begins in the frame */
{
	return segments->head + i * segments->size;
}

static inline uint32_t segments_length(const struct segments *segments, uint32_t i) /* bytes of segment i on the wire */
{
	return segments->head + segments_payload(segments, i);
}

#endif
