/* See segments.h. */
#include "frames/segments.h"

#include <netinet/in.h>

#include "frames/checksum.h"
#include "frames/parse.h"

#define ETHERNET_HEAD 14
#define VLAN_TAG 4
#define IPV6_HEAD 40
#define TCP_HEAD 20
#define UDP_HEAD 8
#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6
#define NOT_A_TYPE 0xff

/* Where the headers that segments repeat end; 0: there is no whole TCP or UDP header. */
static uint32_t head_end(const uint8_t *data, uint32_t length, const struct parsed *parsed)
{
	uint32_t at = parsed->transport, end = 0;

	if (!at)
		return 0;
	if (parsed->protocol == IPPROTO_TCP && length >= at + TCP_HEAD && data[at + 12] >> 4 >= 5)
		end = at + (data[at + 12] >> 4) * 4u;
	else if (parsed->protocol == IPPROTO_UDP && length >= at + UDP_HEAD)
		end = at + UDP_HEAD;
	return end <= length && end <= SEGMENTS_HEAD_MAX ? end : 0;
}

/* Whether the lengths in the headers are those of the frame, so that nothing is behind the payload. */
static bool lengths_fit(const uint8_t *data, uint32_t length, const struct parsed *parsed)
{
	uint32_t bytes = length - parsed->network;
	const uint8_t *head = data + parsed->network;

	if (parsed->version == IP_V4 ? word16(head + 2) != bytes : word16(head + 4) + (uint32_t)IPV6_HEAD != bytes)
		return false;
	return parsed->protocol != IPPROTO_UDP || word16(data + parsed->transport + 4) == length - parsed->transport;
}

static uint16_t sum_addresses(const uint8_t *data, const struct parsed *parsed)
{
	const uint8_t *head = data + parsed->network;

	return checksum_fold(parsed->version == IP_V4 ? checksum_add(parsed->protocol, head + 12, 8) :
		checksum_add(parsed->protocol, head + 8, 32));
}

static uint32_t checksum_at(const struct segments *segments)
{
	return segments->kind == SEGMENTS_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
}

/* A transport whose segments can be told; true unless its partial checksum lies elsewhere. */
static bool read_transport(const uint8_t *data, uint32_t head, const struct parsed *parsed, struct segments *segments)
{
	segments->kind = parsed->protocol == IPPROTO_TCP ? SEGMENTS_TCP : SEGMENTS_UDP;
	segments->head = head;
	segments->size = segments->length - head;
	segments->pseudo = sum_addresses(data, parsed);
	if (!segments->partial)
		return true;
	if (segments->csum_start != parsed->transport || segments->csum_offset != checksum_at(segments))
		return false;
	/* What the sender summed, which behind a routing header is not the address in the IP header. */
	segments->pseudo = checksum_less(word16(data + parsed->transport + checksum_at(segments)),
		(uint16_t)(segments->length - parsed->transport));
	return true;
}

static void read_opaque(const uint8_t *data, const struct parsed *parsed, struct segments *segments)
{
	uint32_t head = parsed->network;

	if (parsed->version == IP_V4)
		head += (data[parsed->network] & 15u) * 4;
	else if (parsed->version == IP_V6)
		head += IPV6_HEAD;
	segments->kind = SEGMENTS_OPAQUE;
	segments->head = head <= SEGMENTS_HEAD_MAX ? head : ETHERNET_HEAD;
	segments->size = segments->length - segments->head;
}

/* The type that a virtio header has for super-frames of this kind. */
static uint8_t gso_type(const struct segments *segments)
{
	switch ((enum segments_kind)segments->kind) {
	case SEGMENTS_OPAQUE:
		return NOT_A_TYPE;
	case SEGMENTS_TCP:
		return segments->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	case SEGMENTS_UDP:
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	}
	return NOT_A_TYPE;
}

/* Divides the payload by the size that the virtio header gives. */
static bool divide(const struct virtio_net_hdr *virtio, struct segments *segments)
{
	uint32_t payload = segments->size;

	if ((virtio->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) != gso_type(segments) || !virtio->gso_size)
		return false;
	if (payload <= virtio->gso_size)
		return true;
	segments->size = virtio->gso_size;
	segments->count = (payload + segments->size - 1) / segments->size;
	segments->trusted = true; /* of whole super-frames the kernel made, or found right, the checksum */
	return segments->count <= SEGMENTS_MAX;
}

bool segments_read(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio, struct segments *segments)
{
	struct parsed parsed;
	uint32_t head;
	bool super = virtio && virtio->gso_type != VIRTIO_NET_HDR_GSO_NONE;

	parse(data, length, &parsed);
	*segments = (struct segments){.length = length, .count = 1, .network = parsed.network, .transport = parsed.transport,
		.ipv6 = parsed.version == IP_V6};
	if (virtio && virtio->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		segments->csum_start = virtio->csum_start;
		segments->csum_offset = virtio->csum_offset;
		segments->partial = true;
		if (virtio->csum_start + virtio->csum_offset + 2u > length)
			return false;
	}
	segments->trusted = segments->partial || (virtio && virtio->flags & VIRTIO_NET_HDR_F_DATA_VALID);
	head = head_end(data, length, &parsed);
	if (!head || !lengths_fit(data, length, &parsed) || !read_transport(data, head, &parsed, segments))
		read_opaque(data, &parsed, segments);
	return !super || divide(virtio, segments);
}

void segments_insert_tag(struct segments *segments)
{
	segments->length += VLAN_TAG;
	segments->head += VLAN_TAG;
	segments->network += VLAN_TAG;
	segments->transport += segments->transport ? VLAN_TAG : 0;
	segments->csum_start += VLAN_TAG;
}
