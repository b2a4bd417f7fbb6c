#include "offer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "frames/parse.h"
#include "offload/held.h"

static void put(uint8_t *at, unsigned bytes, uint32_t value)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> 8 * bytes);
}

/* Ethernet, a tag or none, IPv4 or IPv6, TCP or UDP: the flow's headers before `payload` bytes; where the transport begins. */
static uint32_t write_head(uint8_t *data, unsigned which, const struct flow *flow, uint32_t payload, uint32_t *head)
{
	bool ipv6 = which & 1, udp = which & 2;
	uint32_t network = which & 4 ? 18 : 14, transport = network + (ipv6 ? 40 : 20), bytes;
	uint8_t *ip = data + network, *at = data + transport;

	memset(data, 0, 128);
	put(data, 4, 0x02000000 + which);
	if (which & 4)
		put(data + 12, 4, 0x81000007);
	put(data + network - 2, 2, ipv6 ? 0x86dd : 0x0800);
	*head = transport + (udp ? 8 : which & 1 ? 32 : 20);
	bytes = *head - network + payload;
	ip[0] = ipv6 ? 0x60 : 0x45;
	if (ipv6) {
		put(ip + 4, 2, bytes - 40);
		put(ip + 6, 2, udp ? 0x1140 : 0x0640);
		put(ip + 8, 4, 0xfd000001);
		put(ip + 24, 4, 0xfd000002);
		ip[1] = 0x20; /* ECT(0) */
	} else {
		put(ip + 1, 3, 2u << 16 | bytes);
		put(ip + 4, 2, flow->id);
		put(ip + 8, 2, udp ? 0x4011 : 0x4006);
		put(ip + 12, 4, 0x0a000001);
		put(ip + 16, 4, 0x0a000002);
		put(ip + 10, 2, (uint16_t)~device_sum(ip, 20, 0));
	}
	put(at, 4, 0x03e80050 + which);
	if (udp) {
		put(at + 4, 2, 8 + payload);
	} else {
		put(at + 4, 4, flow->seq);
		put(at + 12, 2, (*head - transport) / 4 << 12 | 0x10);
	}
	return transport;
}

/* The kernel says nothing false of a checksum: it is partial, or was looked at, or nobody knows. */
static void settle_checksum(struct offer *offer, uint32_t network, uint32_t transport, uint8_t protocol, uint8_t how)
{
	uint32_t offset = protocol == IPPROTO_TCP ? 16 : 6, bytes = offer->length - transport;
	uint8_t *at = offer->data + transport + offset;

	put(at, 2, device_pseudo(offer->data + network, protocol, bytes));
	offer->virtio.csum_start = (uint16_t)transport;
	offer->virtio.csum_offset = (uint16_t)offset;
	offer->virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (offer->virtio.gso_type != VIRTIO_NET_HDR_GSO_NONE || how % 4 == 0)
		return;
	put(at, 2, (uint16_t)~device_sum(offer->data + transport, bytes, 0));
	if (protocol == IPPROTO_UDP && !at[0] && !at[1])
		put(at, 2, 0xffff);
	offer->virtio = (struct virtio_net_hdr){.flags = how % 4 == 1 ? 0 : VIRTIO_NET_HDR_F_DATA_VALID};
	if (how % 4 == 3) { /* nobody has looked, and it is wrong */
		offer->virtio.flags = 0;
		at[0] ^= 1;
	}
}

void offer_flow(struct offer *offer, struct flow *flow, unsigned which, struct input *input)
{
	uint32_t size = 1 + take(input, 2) % 1448, payload = take(input, 2) % 65000, head, transport, segments;
	uint8_t flags = (uint8_t)take(input, 1), how = (uint8_t)take(input, 1);
	uint8_t protocol = which & 2 ? IPPROTO_UDP : IPPROTO_TCP;

	payload = (how & 0x50) == 0x50 ? payload : payload % (size * 8) + 1;
	if (payload > size * 2000)
		payload = size * 2000;
	offer->data = malloc(payload + 128);
	transport = write_head(offer->data, which, flow, payload, &head);
	offer->length = head + payload;
	segments = payload ? (payload + size - 1) / size : 1;
	for (uint32_t i = 0; i < payload; i++)
		offer->data[head + i] = (uint8_t)(flow->seq + i + (i >> 8));
	if (protocol == IPPROTO_TCP && how & 32)
		offer->data[transport + 13] = flags;
	if (segments > 1) {
		offer->virtio.gso_size = (uint16_t)size;
		offer->virtio.gso_type = protocol == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			which & 1 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	}
	if (how & 128 && !(which & 1)) /* who sends by a packet socket may write anything into an IP header */
		offer->data[transport - 10] ^= 1;
	settle_checksum(offer, which & 4 ? 18 : 14, transport, protocol, how);
	flow->seq += payload;
	flow->id = (uint16_t)(flow->id + segments);
}

void offer_anything(struct offer *offer, struct input *input)
{
	uint32_t length = take(input, 2) % 3000, chosen = take(input, 1), seed = take(input, 1);
	uint8_t flags = (uint8_t)take(input, 1);
	struct parsed parsed;

	length = seed == 255 ? HELD_MAX - 40 + length % 80 : length;
	offer->data = calloc(1, length + 128);
	offer->length = length;
	for (uint32_t i = 0; i < length; i++)
		offer->data[i] = input->at < input->end && i < chosen ? *input->at++ : (uint8_t)(seed + i);
	if (flags & 1)
		offer->virtio = (struct virtio_net_hdr){.flags = flags & 2 ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0, .gso_type = flags >> 3 & 7,
			.gso_size = (uint16_t)take(input, 2), .csum_start = (uint16_t)(take(input, 2) % (length + 40)),
			.csum_offset = (uint16_t)(take(input, 1) % 24)};
	parse(offer->data, length, &parsed);
	if (parsed.transport && (parsed.protocol == IPPROTO_TCP || parsed.protocol == IPPROTO_UDP) &&
	    offer->virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && offer->virtio.csum_start == parsed.transport &&
	    parsed.transport + offer->virtio.csum_offset + 2u <= length)
		put(offer->data + parsed.transport + offer->virtio.csum_offset, 2,
			device_pseudo(offer->data + parsed.network, parsed.protocol, length - parsed.transport));
}

void offer_tag(struct offer *offer, uint32_t tag)
{
	memmove(offer->data + 16, offer->data + 12, offer->length - 12);
	put(offer->data + 12, 4, tag);
	offer->tag = tag;
	offer->length += 4;
	if (offer->virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		offer->virtio.csum_start = (uint16_t)(offer->virtio.csum_start + 4);
}
