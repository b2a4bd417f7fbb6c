/* Where the headers of an Ethernet frame begin: behind any VLAN tags, IPv4 or IPv6, and behind them the transport. */
#ifndef PLCTL_PARSE_H
#define PLCTL_PARSE_H

#include <stdbool.h>
#include <stdint.h>

enum ip_version { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 }; /* none: another protocol, or cut off before its header ends */

/* All in bytes from the frame's beginning. */
struct parsed {
	uint8_t version;    /* an enum ip_version */
	uint8_t protocol;   /* of the transport; of an IPv6 fragment that of the first header behind */
	uint32_t network;   /* where the IP header begins, or would */
	uint32_t transport; /* behind IP options and extension headers, perhaps behind the frame's end; 0: it is a fragment, or there is no IP header */
};

void parse(const uint8_t *data, uint32_t length, struct parsed *parsed);

static inline uint16_t word16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t word32(const uint8_t *at)
{
	return (uint32_t)word16(at) << 16 | word16(at + 2);
}

static inline void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

#endif
