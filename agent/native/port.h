/*
 * One end of a veth pair, as frames: what arrives there with its time of arrival, and a way to send.
 *
 * This is all that the packet path knows of the kernel. The back end is an AF_PACKET socket with a TPACKET_V2 ring for
 * what arrives (it hands over each frame at once, where TPACKET_V3 waits a millisecond for a block to fill) and
 * sendmmsg() for what leaves. A port is used by one thread at a time. Functions return 0 or an errno.
 */
#ifndef PLCTL_PORT_H
#define PLCTL_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool.h"

#define PORT_BATCH 64 /* frames that one call receives or sends at most */

struct port;

/* A frame in the ring: valid until port_release(). */
struct arrival {
	const uint8_t *data;
	int64_t wall_ns;   /* CLOCK_REALTIME, as the kernel stamped it */
	uint32_t length;   /* of the frame, with the VLAN tag that the kernel took out of `data` */
	uint32_t tag;      /* that tag (TPID << 16 | TCI), or 0 */
	bool whole;        /* false: the frame was longer than the port's MTU allows; the rest of it is lost */
};

/* Opens two packet sockets inside the network namespace at `path`; they receive nothing yet. */
int port_sockets(const char *path, int sockets[2]);

/*
 * Takes over `socket`, in every case, and binds it to `interface`: frames up to mtu bytes behind the Ethernet header and
 * two VLAN tags, ring of about ring_bytes. On failure *attempt says in a few words what the kernel refused.
 */
int port_open(int socket, const char *interface, uint32_t mtu, size_t ring_bytes, struct port **port,
	const char **attempt);
void port_close(struct port *port);

int port_descriptor(const struct port *port); /* readable when frames arrived: for epoll, edge-triggered */

/* The oldest unreleased arrivals, at most PORT_BATCH; how many. */
unsigned port_receive(struct port *port, struct arrival *batch);
void port_copy(const struct arrival *arrival, uint8_t *to); /* arrival->length bytes, tag and all */
void port_release(struct port *port, unsigned count);       /* the kernel may fill the oldest `count` again */

/* Sends `count` <= PORT_BATCH frames in order. Bit i of the result: the kernel took frames[i]. */
uint64_t port_send(struct port *port, struct frame *const *frames, unsigned count);

uint64_t port_new_overruns(struct port *port); /* frames lost because the ring was full, since the last call */

/*
 * When a frame arrived, on CLOCK_MONOTONIC: `wall_ns` less `offset_ns` (wall_offset_ns() at this poll), unless the wall
 * clock was stepped since the frame was stamped. A frame cannot have arrived after `now`, nor noticeably before the
 * previous poll, which did not see it; a stamp that says otherwise is cut to that interval.
 */
int64_t port_arrival_ns(int64_t wall_ns, int64_t offset_ns, int64_t previous_poll_ns, int64_t now_ns);

#endif
