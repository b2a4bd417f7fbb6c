/* What queueing disciplines need of a frame's headers, and the one thing that they change: behind any VLAN tags, IPv4 or IPv6. */
#ifndef PLCTL_HEADERS_H
#define PLCTL_HEADERS_H

#include "model/packet.h"

/*
 * Sets the packet's ecn, and its flow to a hash of addresses, protocol and ports under the key (draw.h). A fragment has no
 * ports; what is neither IPv4 nor IPv6, or is cut off, is not ECN-capable and belongs to flow 0. `data` is an Ethernet frame.
 */
void headers_read(const uint8_t *data, uint32_t length, uint64_t key, struct packet *packet);

/* Sets CE in a frame whose ECN field headers_read() found to be ECT; an IPv4 checksum is mended as RFC 1624 has it. */
void headers_mark_ce(uint8_t *data, uint32_t length);

#endif
