/* Which frame starts the scenario of a link that was told to wait for its first one. */
#ifndef PLCTL_TRIGGER_H
#define PLCTL_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

enum trigger {
	TRIGGER_NONE,
	TRIGGER_PACKET,          /* any frame */
	TRIGGER_TRANSPORT,       /* TCP or UDP over IPv4 or IPv6, VLAN tags or none */
	TRIGGER_LARGE_TRANSPORT, /* such a frame longer than the link's MTU, headers included: one that fills the path */
};

/*
 * Does a frame whose bytes are data[0 ... length), Ethernet header first, start the scenario? An IPv4 fragment counts by
 * its header's protocol; behind IPv6 extension headers nothing is looked for, except hop-by-hop, routing, fragment and
 * destination options.
 */
bool trigger_matches(enum trigger trigger, const uint8_t *data, uint32_t length, uint32_t mtu);

#endif
