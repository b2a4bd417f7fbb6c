/* See parse.h. */
#include "frames/parse.h"

#include <netinet/in.h>

#define ETHERTYPE_AT 12
#define VLAN_TAG 4
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define IPV4_HEAD 20
#define IPV6_HEAD 40
#define IPV4_FRAGMENT 0x3fff /* more fragments follow, or this is none of the first */
#define EXTENSIONS_MAX 8

static bool is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* Goes behind the Ethernet header and its tags; returns the type of what is there, 0 if the frame is cut off. */
static uint16_t network_type(const uint8_t *data, uint32_t length, uint32_t *network)
{
	uint16_t ethertype = 0;
	uint32_t at = ETHERTYPE_AT;

	while (length >= at + 2 && is_tag(ethertype = word16(data + at)))
		at += VLAN_TAG;
	*network = length > at + 2 ? at + 2 : length;
	return length > at + 2 ? ethertype : 0;
}

static void parse_ipv4(const uint8_t *head, uint32_t left, struct parsed *parsed)
{
	uint32_t bytes = left >= IPV4_HEAD && head[0] >> 4 == 4 ? (head[0] & 15u) * 4 : 0;

	if (bytes < IPV4_HEAD || left < bytes)
		return;
	parsed->version = IP_V4;
	parsed->protocol = head[9];
	if (!(word16(head + 6) & IPV4_FRAGMENT))
		parsed->transport = parsed->network + bytes;
}

static void parse_ipv6(const uint8_t *head, uint32_t left, struct parsed *parsed)
{
	uint8_t next;
	uint32_t at = IPV6_HEAD;

	if (left < IPV6_HEAD || head[0] >> 4 != 6)
		return;
	parsed->version = IP_V6;
	next = head[6];
	for (int i = 0; i < EXTENSIONS_MAX && left >= at + 8; i++) {
		const uint8_t *extension = head + at;

		if (next == IPPROTO_FRAGMENT) {
			parsed->protocol = extension[0];
			return;
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		next = extension[0];
		at += (extension[1] + 1u) * 8;
	}
	parsed->protocol = next;
	parsed->transport = parsed->network + at;
}

void parse(const uint8_t *data, uint32_t length, struct parsed *parsed)
{
	uint16_t ethertype;

	*parsed = (struct parsed){0};
	ethertype = network_type(data, length, &parsed->network);
	if (ethertype == ETHERTYPE_IPV4)
		parse_ipv4(data + parsed->network, length - parsed->network, parsed);
	else if (ethertype == ETHERTYPE_IPV6)
		parse_ipv6(data + parsed->network, length - parsed->network, parsed);
}
