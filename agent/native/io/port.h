/*
 * One end of a veth pair, as frames: what arrives there with its time of arrival, and a way to send.
 *
 * This is all that the packet path knows of the kernel. Two back ends: AF_PACKET (packet_port.c) works wherever there are
 * packet sockets; AF_XDP (xdp_port.c) has the kernel send frames from where they wait until they are due. Both copy what
 * stays out of the receive ring, so that the ring is small enough for the caches. A port is used by one thread at a time,
 * and both ports of a link by the same one. Functions that can fail return 0 or an errno.
 */
#ifndef PLCTL_PORT_H
#define PLCTL_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/pool.h"

#ifndef PORT_BATCH /* a test has less */
#define PORT_BATCH 64 /* frames that one call receives or sends at most; a bit for each */
#endif
#define PORT_ETHERNET_HEAD 14
#define PORT_MAC_PAIR 12 /* both addresses: a VLAN tag follows them */
#define PORT_VLAN_TAG 4
#define PORT_WHY_SIZE 256

struct port;

/* A frame that arrived: valid until port_release(). */
struct arrival {
	const uint8_t *data;
	int64_t stamp_ns; /* when the kernel saw it */
	int64_t at_ns;    /* that on CLOCK_MONOTONIC, and what it may be wrong by: arrivals.h fills both in */
	int64_t doubt_ns;
	uint32_t length;  /* of the frame, with the VLAN tag that the kernel took out of `data` */
	uint32_t tag;     /* that tag (TPID << 16 | TCI), or 0 */
	bool whole;       /* false: the frame was longer than the port's MTU allows; the rest of it is lost */
};

/* What a back end does; the contracts are those of the functions below, which call it. */
struct port_back_end {
	bool wall_stamps; /* stamps are CLOCK_REALTIME (wall.h); else CLOCK_MONOTONIC */
	unsigned (*receive)(struct port *port, struct arrival *batch);
	struct frame *(*take_room)(struct port *port, uint32_t length);
	void (*give_room)(struct port *port, struct frame *frame);
	void (*release)(struct port *port, const struct arrival *batch, unsigned count);
	uint64_t (*send)(struct port *port, struct frame *const *frames, unsigned count);
	uint64_t (*new_overruns)(struct port *port);
	void (*close)(struct port *port);
};

struct port { /* what each back end's own structure begins with */
	const struct port_back_end *back_end;
	int socket;
	uint32_t longest; /* bytes of the longest frame: mtu behind the Ethernet header and two VLAN tags */
	struct pool *pool;
	struct port *strays; /* NULL, or what receives the frames that pass this port by; for receiving only */
	int64_t seen_ns;     /* what arrived before has been read, but for a frame on its way into the ring */
};

enum port_io { PORT_IO_AUTO, PORT_IO_PACKET, PORT_IO_XDP };

/* What both ports of a link are opened from. */
struct ports_config {
	const char *netns;         /* path of the link's network namespace */
	const char *interfaces[2]; /* in it */
	uint32_t mtu;
	size_t ring_bytes;  /* for each port: what may arrive while nobody looks */
	size_t store_bytes; /* of frames inside the link that are likely; AF_XDP makes room for them at once */
	struct budget *budget;
	struct pool *pool; /* of the same link; like the budget, borrowed for the ports' life */
	enum port_io io;
};

/*
 * Opens both ports; from then on frames arrive. Says in a few words in how[0 ... PORT_WHY_SIZE) which back end it is and,
 * where PORT_IO_AUTO did not get AF_XDP, why; on failure, in a sentence, what was refused.
 */
int ports_open(const struct ports_config *config, struct port *ports[2], char *how);

/* Those of one back end. On failure `why` gets the sentence; nothing stays open. */
int packet_ports_open(const struct ports_config *config, struct port *ports[2], char *why);
int xdp_ports_open(const struct ports_config *config, struct port *ports[2], char *why);

/* "cannot <attempt> <where>: <error's text>" into why[0 ... PORT_WHY_SIZE); returns the error. */
int port_refuse(char *why, int error, const char *attempt, const char *where);
int port_refuse_interface(char *why, int error, const char *attempt, const struct ports_config *config, int which);

static inline void port_close(struct port *port) /* NULL is fine; frames of both of a link's must have been given up */
{
	if (port)
		port->back_end->close(port);
}

/*
 * Closes both ports of a link at once: for each of its sockets, and for the program, the kernel waits until no CPU can be
 * in the midst of handing it a frame, some 15 ms.
 */
void ports_close(struct port *const ports[2]);

static inline int port_descriptor(const struct port *port) /* readable when frames arrived: for epoll, edge-triggered */
{
	return port->socket;
}

/* The oldest unreleased arrivals, at most PORT_BATCH; how many. */
static inline unsigned port_receive(struct port *port, struct arrival *batch)
{
	return port->back_end->receive(port, batch);
}

/* A frame with room for `length` bytes of data, which it is set to; NULL: no memory is left. */
static inline struct frame *port_take_room(struct port *port, uint32_t length)
{
	return port->back_end->take_room(port, length);
}

/* Takes back a frame from port_take_room() that is not to be sent. */
static inline void port_give_room(struct port *port, struct frame *frame)
{
	port->back_end->give_room(port, frame);
}

/* The kernel may use the slots of the first `count` arrivals of the last port_receive() again. */
static inline void port_release(struct port *port, const struct arrival *batch, unsigned count)
{
	port->back_end->release(port, batch, count);
}

/*
 * Sends `count` <= PORT_BATCH frames in order and takes them over; `packet`, `moved_ns` and `length` of each stay
 * readable until the next call for a port of this link. Bit i of the result: the kernel took frames[i].
 */
static inline uint64_t port_send(struct port *port, struct frame *const *frames, unsigned count)
{
	return port->back_end->send(port, frames, count);
}

/* Frames that the machine lost before we saw them, since the last call. */
static inline uint64_t port_new_overruns(struct port *port)
{
	return port->back_end->new_overruns(port);
}

#endif
