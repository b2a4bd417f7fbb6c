/* See headers.h. */
#include "frames/headers.h"

#include <netinet/in.h>

#include "frames/parse.h"
#include "model/draw.h"

#define PORTS_BYTES 4

/* Both ports of a frame's transport; 0 if it has none. */
static uint32_t ports(const uint8_t *data, uint32_t length, const struct parsed *parsed)
{
	if (!parsed->transport)
		return 0;
	switch (parsed->protocol) {
	case IPPROTO_TCP: case IPPROTO_UDP: case IPPROTO_UDPLITE: case IPPROTO_SCTP: case IPPROTO_DCCP:
		return length >= parsed->transport + PORTS_BYTES ? word32(data + parsed->transport) : 0;
	default:
		return 0;
	}
}

static uint32_t ipv4_flow(const uint8_t *head, uint32_t ports, uint8_t protocol, uint64_t key)
{
	return philox((const uint32_t[4]){word32(head + 12), word32(head + 16), ports,
		(uint32_t)PURPOSE_FLOW << 8 | protocol}, key).words[0];
}

static uint32_t ipv6_flow(const uint8_t *head, uint32_t ports, uint8_t protocol, uint64_t key)
{
	uint32_t last[4] = {ports, (uint32_t)PURPOSE_FLOW << 8 | protocol, 0, 0};
	struct draw mixed = {{0}};

	for (int part = 0; part < 3; part++) {
		for (int i = 0; i < 4; i++)
			mixed.words[i] ^= part < 2 ? word32(head + 8 + part * 16 + i * 4) : last[i];
		mixed = philox(mixed.words, key);
	}
	return mixed.words[0];
}

void headers_read(const uint8_t *data, uint32_t length, uint64_t key, struct packet *packet)
{
	struct parsed parsed;
	const uint8_t *head;

	parse(data, length, &parsed);
	head = data + parsed.network;
	packet->ecn = ECN_NOT_ECT;
	packet->flow = 0;
	if (parsed.version == IP_V4) {
		packet->ecn = head[1] & 3;
		packet->flow = ipv4_flow(head, ports(data, length, &parsed), parsed.protocol, key);
	} else if (parsed.version == IP_V6) {
		packet->ecn = head[1] >> 4 & 3;
		packet->flow = ipv6_flow(head, ports(data, length, &parsed), parsed.protocol, key);
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
	put16(head + 10, (uint16_t)~sum);
}

void headers_mark_ce(uint8_t *data, uint32_t length)
{
	struct parsed parsed;

	parse(data, length, &parsed);
	if (parsed.version == IP_V4)
		mark_ipv4(data + parsed.network);
	else if (parsed.version == IP_V6)
		data[parsed.network + 1] |= ECN_CE << 4;
}
