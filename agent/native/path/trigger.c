/* See trigger.h. Frames are a stranger's: every read is checked against `length`. */
#include "path/trigger.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool is_transport(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static bool is_option_header(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_DSTOPTS;
}

static bool ipv6_transport(const uint8_t *data, uint32_t length, uint32_t at)
{
	uint8_t protocol;

	if (length < at + 40)
		return false;
	protocol = data[at + 6];
	at += 40;
	while (is_option_header(protocol)) {
		if (length < at + 8)
			return false;
		uint32_t size = protocol == IPPROTO_FRAGMENT ? 8 : 8 * (data[at + 1] + 1u);
		protocol = data[at];
		at += size;
	}
	return is_transport(protocol);
}

static bool carries_transport(const uint8_t *data, uint32_t length)
{
	uint32_t at = 12; /* the EtherType, behind both addresses */

	while (length >= at + 6 && (read16(data + at) == ETH_P_8021Q || read16(data + at) == ETH_P_8021AD))
		at += 4;
	if (length < at + 2)
		return false;
	switch (read16(data + at)) {
	case ETH_P_IP:
		return length >= at + 2 + 20 && is_transport(data[at + 2 + 9]);
	case ETH_P_IPV6:
		return ipv6_transport(data, length, at + 2);
	default:
		return false;
	}
}

bool trigger_matches(enum trigger trigger, const uint8_t *data, uint32_t length, uint32_t mtu)
{
	switch (trigger) {
	case TRIGGER_NONE:
		return false;
	case TRIGGER_PACKET:
		return true;
	case TRIGGER_TRANSPORT:
		return carries_transport(data, length);
	case TRIGGER_LARGE_TRANSPORT:
		return length > mtu && carries_transport(data, length);
	}
	return false;
}
