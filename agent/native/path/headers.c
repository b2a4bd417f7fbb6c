/* See headers.h. */
#include "path/headers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "model/draw.h"

#define ETHERTYPE_AT 12
#define VLAN_TAG 4
#define IPV4 0x0800
#define IPV6 0x86dd
#define IPV4_HEAD 20
#define IPV6_HEAD 40
#define IPV4_FRAGMENT 0x3fff /* more fragments follow, or this is none of the first */
#define PORTS_BYTES 4
#define EXTENSIONS_MAX 8

struct bytes {
	const uint8_t *at;
	uint32_t left;
};

static uint16_t word16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t word32(const uint8_t *at)
{
	return (uint32_t)word16(at) << 16 | word16(at + 2);
}

static bool is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* What is behind the Ethernet header and its tags, and of which kind; nothing is left of a frame that is cut off. */
static struct bytes payload(const uint8_t *data, uint32_t length, uint16_t *ethertype)
{
	uint32_t at = ETHERTYPE_AT;

	*ethertype = 0;
	while (length >= at + 2 && is_tag(*ethertype = word16(data + at)))
		at += VLAN_TAG;
	at += 2;
	return length > at ? (struct bytes){data + at, length - at} : (struct bytes){data, 0};
}

static bool is_ipv4(struct bytes packet, uint16_t ethertype)
{
	return ethertype == IPV4 && packet.left >= IPV4_HEAD && packet.at[0] >> 4 == 4 && (packet.at[0] & 15) >= 5 &&
		packet.left >= (packet.at[0] & 15u) * 4;
}

static bool is_ipv6(struct bytes packet, uint16_t ethertype)
{
	return ethertype == IPV6 && packet.left >= IPV6_HEAD && packet.at[0] >> 4 == 6;
}

/* Both ports of a transport that begins at `at`; 0 if it has none. */
static uint32_t ports(struct bytes packet, uint32_t at, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP: case IPPROTO_UDP: case IPPROTO_UDPLITE: case IPPROTO_SCTP: case IPPROTO_DCCP:
		return packet.left >= at + PORTS_BYTES ? word32(packet.at + at) : 0;
	default:
		return 0;
	}
}

static uint32_t ipv4_flow(struct bytes packet, uint64_t key)
{
	const uint8_t *head = packet.at;
	bool fragment = word16(head + 6) & IPV4_FRAGMENT;
	uint32_t numbers = fragment ? 0 : ports(packet, (head[0] & 15u) * 4, head[9]);

	return philox((const uint32_t[4]){word32(head + 12), word32(head + 16), numbers,
		(uint32_t)PURPOSE_FLOW << 8 | head[9]}, key).words[0];
}

/* Goes behind the extension headers; *at: where the transport begins, 0 in a fragment. Returns its protocol. */
static uint8_t ipv6_transport(struct bytes packet, uint32_t *at)
{
	uint8_t next = packet.at[6];

	*at = IPV6_HEAD;
	for (int i = 0; i < EXTENSIONS_MAX && packet.left >= *at + 8; i++) {
		const uint8_t *extension = packet.at + *at;

		if (next == IPPROTO_FRAGMENT) {
			*at = 0;
			return extension[0];
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		next = extension[0];
		*at += (extension[1] + 1u) * 8;
	}
	return next;
}

static uint32_t ipv6_flow(struct bytes packet, uint64_t key)
{
	uint32_t at;
	uint8_t protocol = ipv6_transport(packet, &at);
	uint32_t last[4] = {at ? ports(packet, at, protocol) : 0, (uint32_t)PURPOSE_FLOW << 8 | protocol, 0, 0};
	struct draw mixed = {{0}};

	for (int part = 0; part < 3; part++) {
		for (int i = 0; i < 4; i++)
			mixed.words[i] ^= part < 2 ? word32(packet.at + 8 + part * 16 + i * 4) : last[i];
		mixed = philox(mixed.words, key);
	}
	return mixed.words[0];
}

void headers_read(const uint8_t *data, uint32_t length, uint64_t key, struct packet *packet)
{
	uint16_t ethertype;
	struct bytes found = payload(data, length, &ethertype);

	packet->ecn = ECN_NOT_ECT;
	packet->flow = 0;
	if (is_ipv4(found, ethertype)) {
		packet->ecn = found.at[1] & 3;
		packet->flow = ipv4_flow(found, key);
	} else if (is_ipv6(found, ethertype)) {
		packet->ecn = found.at[1] >> 4 & 3;
		packet->flow = ipv6_flow(found, key);
	}
}

/* HC' = ~(~HC + ~m + m'), where the 16-bit word m becomes m' (RFC 1624, equation 3). */
static void mark_ipv4(uint8_t *head)
{
	uint16_t old = word16(head), marked = old | ECN_CE;
	uint32_t sum = (uint16_t)~word16(head + 10) + (uint32_t)(uint16_t)~old + marked;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	head[1] = (uint8_t)marked;
	head[10] = (uint8_t)(~sum >> 8);
	head[11] = (uint8_t)~sum;
}

void headers_mark_ce(uint8_t *data, uint32_t length)
{
	uint16_t ethertype;
	struct bytes found = payload(data, length, &ethertype);
	uint8_t *head = data + (found.at - data);

	if (is_ipv4(found, ethertype))
		mark_ipv4(head);
	else if (is_ipv6(found, ethertype))
		head[1] |= ECN_CE << 4;
}
