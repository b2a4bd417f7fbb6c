/* See super_frame.h. */
#include "frames/super_frame.h"

#include <string.h>

#include "frames/checksum.h"
#include "frames/headers.h"
#include "frames/parse.h"

#define IP_MOST 65535 /* bytes, from the IP header on */
#define UDP_MOST 64   /* datagrams that GRO merges */
#define IPV4_HEAD 20
#define IPV6_HEAD 40
#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6

enum tcp_flags { FIN = 1, SYN = 2, RST = 4, PSH = 8, URG = 32, CWR = 128 };

static uint8_t tcp_flags(const struct segments *of, const uint8_t *data)
{
	return of->kind == SEGMENTS_TCP ? data[of->transport + 13] : 0;
}

/* What segment i has of the flags that a frame's last segment alone has. */
static uint8_t end_flags(const struct segments *of, const uint8_t *data, uint32_t i)
{
	return i + 1 == of->count ? tcp_flags(of, data) & (FIN | PSH) : 0;
}

static uint32_t checksum_offset(const struct segments *of)
{
	return of->kind == SEGMENTS_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
}

/* A datagram without a checksum; in a partial one the field is no checksum yet. */
static bool lacks_checksum(const struct segments *of, const uint8_t *data)
{
	return of->kind == SEGMENTS_UDP && !of->partial && !word16(data + of->transport + UDP_CHECKSUM_AT);
}

/*
 * Whether GRO would look for neighbours of a frame's segments at all. It does not where there are IPv4 options, nor where the
 * checksum of an IPv4 header is wrong; in those of a super-frame whoever divides it writes a new one.
 */
static bool merges(const struct segments *of, const uint8_t *data)
{
	const uint8_t *head = data + of->network;

	if (of->kind == SEGMENTS_OPAQUE || !of->trusted || lacks_checksum(of, data))
		return false;
	if (of->ipv6)
		return true;
	return (head[0] & 15) * 4 == IPV4_HEAD && (of->count > 1 || checksum_fold(checksum_add(0, head, IPV4_HEAD)) == 0xffff);
}

/* Whether nothing of another frame can follow segment i. */
static bool closes(const struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i)
{
	uint32_t payload = segments_payload(of, i);

	return !payload || payload < self->size || end_flags(of, data, i) || tcp_flags(of, data) & (SYN | RST | URG);
}

static void note_last(struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i)
{
	self->count++;
	self->payload += segments_payload(of, i);
	self->last = of;
	self->next = i + 1;
	self->end_flags = end_flags(of, data, i);
	self->closed |= closes(self, of, data, i);
}

void super_frame_begin(struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i, bool ce)
{
	*self = (struct super_frame){.leader = of, .data = data, .first = i, .size = segments_payload(of, i), .ce = ce,
		.closed = !merges(of, data)};
	note_last(self, of, data, i);
}

/* The byte of an IP header in which ECN is, marked if it is to be. */
static uint8_t ecn_byte(const struct segments *of, const uint8_t *data, bool ce)
{
	uint8_t byte = data[of->network + 1], mark = of->ipv6 ? ECN_CE << 4 : ECN_CE;

	return ce ? byte | mark : byte;
}

static bool same(const uint8_t *a, const uint8_t *b, uint32_t from, uint32_t to)
{
	return !memcmp(a + from, b + from, to - from);
}

/* All of the IP headers but lengths, ID, checksum and the byte with ECN. */
static bool same_network(const struct segments *of, const uint8_t *a, const uint8_t *b)
{
	a += of->network;
	b += of->network;
	if (of->ipv6)
		return a[0] == b[0] && same(a, b, 2, 4) && same(a, b, 6, of->transport - of->network);
	return a[0] == b[0] && same(a, b, 6, 10) && same(a, b, 12, IPV4_HEAD);
}

/* All of TCP's headers but the sequence number, the checksum, and the flags that end a super-frame. */
static bool same_tcp(const struct segments *of, const uint8_t *a, const uint8_t *b)
{
	a += of->transport;
	b += of->transport;
	return same(a, b, 0, 4) && same(a, b, 8, 13) && !((a[13] ^ b[13]) & ~(FIN | PSH)) &&
		same(a, b, 14, TCP_CHECKSUM_AT) && same(a, b, 18, of->head - of->transport);
}

/* Whether what numbers the segment goes on where the super-frame ends. */
static bool next_in_order(const struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i)
{
	const struct segments *leader = self->leader;
	uint32_t tcp;

	if (!of->ipv6 && (uint16_t)(word16(data + of->network + 4) + i) !=
	    (uint16_t)(word16(self->data + leader->network + 4) + self->first + self->count))
		return false;
	if (of->kind != SEGMENTS_TCP)
		return true;
	tcp = word32(self->data + leader->transport + 4) + self->first * leader->size + self->payload;
	return word32(data + of->transport + 4) + i * of->size == tcp;
}

static bool same_headers(const struct super_frame *self, const struct segments *of, const uint8_t *data)
{
	const struct segments *leader = self->leader;

	if (of->kind != leader->kind || of->ipv6 != leader->ipv6 || of->head != leader->head ||
	    of->network != leader->network || of->transport != leader->transport)
		return false;
	if (!same(self->data, data, 0, of->network) || !same_network(of, self->data, data))
		return false;
	return of->kind == SEGMENTS_TCP ? same_tcp(of, self->data, data) :
		same(self->data, data, of->transport, of->transport + 4);
}

/* Whether segment i of another frame than the last one's can follow. */
static bool can_follow(const struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i)
{
	uint32_t payload = segments_payload(of, i);

	if (self->closed || !merges(of, data) || !payload || payload > self->size)
		return false;
	if (of->kind == SEGMENTS_UDP && self->count >= UDP_MOST)
		return false;
	if ((tcp_flags(of, data) | tcp_flags(self->leader, self->data)) & CWR)
		return false;
	return same_headers(self, of, data) && next_in_order(self, of, data, i);
}

bool super_frame_add(struct super_frame *self, const struct segments *of, const uint8_t *data, uint32_t i, bool ce)
{
	bool neighbour = of == self->last && i == self->next && of->size == self->size;
	uint32_t bytes = self->leader->head - self->leader->network + self->payload;

	if (i >= of->count || self->count == SEGMENTS_MAX || bytes + segments_payload(of, i) > IP_MOST)
		return false;
	if (of->kind == SEGMENTS_OPAQUE || self->leader->kind != of->kind)
		return false; /* there may be no IP header */
	if (ecn_byte(of, data, ce) != ecn_byte(self->leader, self->data, self->ce))
		return false;
	if (!neighbour && !can_follow(self, of, data, i))
		return false;
	note_last(self, of, data, i);
	return true;
}

/* Writing */

static void write_network(const struct super_frame *self, uint8_t *head)
{
	const struct segments *of = self->leader;
	uint32_t bytes = of->head - of->network + self->payload;
	uint8_t *ip = head + of->network;

	if (of->ipv6) {
		put16(ip + 4, (uint16_t)(bytes - IPV6_HEAD));
		return;
	}
	put16(ip + 2, (uint16_t)bytes);
	put16(ip + 4, (uint16_t)(word16(ip + 4) + self->first));
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~checksum_fold(checksum_add(0, ip, (ip[0] & 15u) * 4)));
}

static void write_transport(const struct super_frame *self, uint8_t *head)
{
	const struct segments *of = self->leader;
	uint32_t bytes = of->head - of->transport + self->payload;
	uint8_t *at = head + of->transport;

	put16(at + checksum_offset(of), checksum_fold((uint32_t)of->pseudo + bytes));
	if (of->kind == SEGMENTS_UDP) {
		put16(at + 4, (uint16_t)bytes);
		return;
	}
	put32(at + 4, word32(at + 4) + self->first * of->size);
	at[13] = (uint8_t)((at[13] & ~(FIN | PSH | (self->first ? CWR : 0))) | self->end_flags);
}

static void describe(const struct super_frame *self, const uint8_t *head, struct virtio_net_hdr *virtio)
{
	const struct segments *of = self->leader;

	virtio->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	virtio->csum_start = (uint16_t)of->transport;
	virtio->csum_offset = (uint16_t)checksum_offset(of);
	if (self->count == 1)
		return;
	virtio->hdr_len = (uint16_t)of->head;
	virtio->gso_size = (uint16_t)self->size;
	if (of->kind == SEGMENTS_UDP)
		virtio->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	else
		virtio->gso_type = of->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	if (tcp_flags(of, head) & CWR)
		virtio->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

/* Of a frame that leaves as it came. */
static void describe_whole(const struct segments *of, struct virtio_net_hdr *virtio)
{
	if (!of->partial)
		return;
	virtio->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	virtio->csum_start = of->csum_start;
	virtio->csum_offset = of->csum_offset;
}

uint32_t super_frame_write(const struct super_frame *self, uint8_t *head, struct virtio_net_hdr *virtio)
{
	const struct segments *of = self->leader;

	*virtio = (struct virtio_net_hdr){0};
	memcpy(head, self->data, of->head);
	if (self->count == 1 && of->count == 1) {
		describe_whole(of, virtio);
	} else {
		write_network(self, head);
		write_transport(self, head);
		describe(self, head, virtio);
	}
	if (self->ce)
		headers_mark_ce(head, of->head);
	return of->head;
}

/* `zero`: how a checksum of 0 is written. */
static void complete(const struct virtio_net_hdr *virtio, uint8_t *frame, uint32_t length, uint16_t zero)
{
	uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, frame + virtio->csum_start, length - virtio->csum_start));

	put16(frame + virtio->csum_start + virtio->csum_offset, sum ? sum : zero);
}

/* As the kernel writes it where no device completes checksums: in the form that UDP needs, but for what TSO made. */
static uint16_t form_of_zero(const struct segments *of)
{
	return of->kind == SEGMENTS_TCP && of->count > 1 ? 0 : 0xffff;
}

uint32_t segments_cut(const struct segments *of, const uint8_t *data, uint32_t i, bool ce, uint8_t *frame)
{
	struct super_frame alone;
	struct virtio_net_hdr virtio;
	uint32_t head, length = segments_length(of, i);

	super_frame_begin(&alone, of, data, i, ce);
	head = super_frame_write(&alone, frame, &virtio);
	memcpy(frame + head, data + segments_payload_at(of, i), length - head);
	if (virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		complete(&virtio, frame, length, form_of_zero(of));
	return length;
}
