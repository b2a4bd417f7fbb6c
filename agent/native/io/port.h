/*
 * One end of a veth pair, as frames: what arrives there with its time of arrival, and a way to send.
 *
 * This is all that the packet path knows of the kernel. Three back ends: AF_PACKET (packet_port.c) works wherever there are
 * packet sockets; AF_XDP (xdp_port.c) has the kernel send frames from where they wait until they are due; both copy what
 * stays out of the receive ring, so that the ring is small enough for the caches. The third (offload/port.c) takes and gives
 * super-frames, which it shows as the segments that they are. A port is used by one thread at a time, and both ports of a
 * link by the same one. Functions that can fail return 0 or an errno.
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
#define PORT_SEND_WORDS 8
#define PORT_SEND_MAX (PORT_SEND_WORDS * PORT_BATCH) /* frames that one call sends at most, where super-frames leave */
#define PORT_ETHERNET_HEAD 14
#define PORT_MAC_PAIR 12 /* both addresses: a VLAN tag follows them */
#define PORT_VLAN_TAG 4
#define PORT_WHY_SIZE 256

struct port;
struct held;

/* A frame that arrived: valid until port_release(). */
struct arrival {
	const uint8_t *data; /* of a segment of a super-frame: that, whose headers are the segment's but for lengths and numbers */
	int64_t stamp_ns; /* when the kernel saw it */
	int64_t at_ns;    /* that on CLOCK_MONOTONIC, and what it may be wrong by: arrivals.h fills both in */
	int64_t doubt_ns;
	uint32_t length;  /* of the frame, with the VLAN tag that the kernel took out of `data` */
	uint32_t tag;     /* that tag (TPID << 16 | TCI), or 0 */
	bool whole;       /* false: the frame was longer than the port's MTU allows; the rest of it is lost */
	bool first;       /* false: the kernel counts it with the one before, as they came in one super-frame */
	struct held *held; /* what holds its bytes already (held.h) ... */
	uint32_t segment;  /* ... as this segment; or NULL */
};

/* What became of the frames that port_send() was given. */
struct sent {
	uint64_t words[PORT_SEND_WORDS]; /* bit i % PORT_BATCH of word i / PORT_BATCH: the kernel took frames[i] */
	unsigned as_counted;             /* how many the kernel counts them as: a super-frame is one */
};

static inline bool sent_frame(const struct sent *sent, unsigned i)
{
	return sent->words[i / PORT_BATCH] >> i % PORT_BATCH & 1;
}

static inline void sent_set(struct sent *sent, unsigned i)
{
	sent->words[i / PORT_BATCH] |= UINT64_C(1) << i % PORT_BATCH;
}

/* What a back end does; the contracts are those of the functions below, which call it. */
struct port_back_end {
	bool wall_stamps; /* stamps are CLOCK_REALTIME (wall.h); else CLOCK_MONOTONIC */
	unsigned (*receive)(struct port *port, struct arrival *batch);
	struct frame *(*take_room)(struct port *port, uint32_t length);
	void (*give_room)(struct port *port, struct frame *frame);
	void (*release)(struct port *port, const struct arrival *batch, unsigned count);
	uint64_t (*send)(struct port *port, struct frame *const *frames, unsigned count); /* as port_send(), up to PORT_BATCH */
	uint64_t (*new_overruns)(struct port *port);
	void (*close)(struct port *port);
	const struct segment_functions *segments; /* NULL: frames are bytes, copied one by one */
};

struct port { /* what each back end's own structure begins with */
	const struct port_back_end *back_end;
	int socket;
	uint32_t longest; /* bytes of the longest frame: mtu behind the Ethernet header and two VLAN tags */
	struct pool *pool;
	struct port *strays; /* NULL, or what receives the frames that pass this port by; for receiving only */
	bool cut_short;      /* the last receive() may have left frames, though it gave some, and less than a batch */
	int64_t seen_ns;     /* what arrived before has been read, but for a frame on its way into the ring */
};

/* What a back end does otherwise whose frames are segments of what it holds; contracts as below. */
struct segment_functions {
	struct frame *(*take)(struct port *port, const struct arrival *arrival);
	struct frame *(*copy)(struct port *port, const struct frame *original);
	void (*show)(const struct arrival *arrival, struct frame *frame);
	const uint8_t *(*bytes)(const struct frame *frame, uint8_t *scratch);
	void (*corrupt)(struct port *port, struct frame *frame, uint32_t bit);
	void (*send)(struct port *port, struct frame *const *frames, unsigned count, struct sent *sent);
	bool (*more_to_come)(const struct frame *frame);
};

enum port_io { PORT_IO_AUTO, PORT_IO_PACKET, PORT_IO_XDP, PORT_IO_SUPER };

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
int super_ports_open(const struct ports_config *config, struct port *ports[2], char *why);

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

/* A frame for what arrived; port_keep() puts it there. NULL: no memory is left. */
static inline struct frame *port_take_room(struct port *port, const struct arrival *arrival)
{
	if (port->back_end->segments)
		return port->back_end->segments->take(port, arrival);
	return port->back_end->take_room(port, arrival->length);
}

/* The arrival's bytes into the frame that was taken for it. */
void port_keep(const struct port *port, const struct arrival *arrival, struct frame *frame);

/* The same into a frame that is not the port's, whose data has FRAME_MAX bytes: only for port_bytes(), before port_release(). */
void port_show(const struct port *port, const struct arrival *arrival, struct frame *frame);

/* What a frame is on the wire, before port_mark_ce(), port_corrupt(): its own bytes, or made in scratch[0 ... FRAME_MAX). */
const uint8_t *port_bytes(const struct port *port, const struct frame *frame, uint8_t *scratch);

/* Another frame of the same bytes, number and moved_ns; NULL: no memory is left. */
struct frame *port_copy(struct port *port, const struct frame *original);

/* Before a frame is sent: sets CE in its header; flips one bit of those behind its Ethernet header. In this order. */
void port_mark_ce(const struct port *port, struct frame *frame);
void port_corrupt(struct port *port, struct frame *frame, uint32_t bit);

/* Whether the frame is a segment behind which another of the same super-frame came. */
static inline bool port_more_to_come(const struct port *port, const struct frame *frame)
{
	return port->back_end->segments && port->back_end->segments->more_to_come(frame);
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

static inline unsigned port_send_most(const struct port *port) /* frames that a call may be given */
{
	return port->back_end->segments ? PORT_SEND_MAX : PORT_BATCH;
}

/*
 * Sends `count` <= port_send_most() frames in order and takes them over; `packet`, `moved_ns` and `length` of each stay
 * readable until the next call for a port of this link. Says which the kernel took.
 */
static inline void port_send(struct port *port, struct frame *const *frames, unsigned count, struct sent *sent)
{
	*sent = (struct sent){.as_counted = 0};
	if (port->back_end->segments) {
		port->back_end->segments->send(port, frames, count, sent);
	} else {
		sent->words[0] = port->back_end->send(port, frames, count);
		sent->as_counted = (unsigned)__builtin_popcountll(sent->words[0]);
	}
}

/* Frames that the machine lost before we saw them, since the last call. */
static inline uint64_t port_new_overruns(struct port *port)
{
	return port->back_end->new_overruns(port);
}

#endif
