/*
 * The sockets of both lanes, whose kernel is made up: what they were handed comes in, what leaves is divided again as a network
 * card would (device.h) and held to the segments that were handed over to be sent. They fail as they are told.
 */
#ifndef PLCTL_SOCKETS_H
#define PLCTL_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "offer.h"
#include "offload/held.h"

#define MESSAGES 256 /* that a lane is sent */
#define OUTCOMES 64
#define SIZE_MOST (HELD_MAX + 64)

struct message {
	struct offer offer;
	int64_t stamp_ns;
	uint32_t segments; /* 0: it is not whole */
	uint64_t first;    /* the number of its first segment */
	uint8_t *handed;   /* of each: 1: to be sent; 2: its copy */
};

struct way { /* one for each lane; the socket of its `in` is -1 - i */
	struct message messages[MESSAGES];
	unsigned count;
	unsigned read; /* by the product */
	uint64_t segments;
	int receive_error; /* told once */
	bool down;
	bool gone;
	uint8_t outcomes[OUTCOMES]; /* what the next messages meet when they are sent, the last first */
	unsigned outcome_count;
};
extern struct way ways[2];

struct handed { /* over to be sent, in this call */
	struct message *message;
	uint32_t segment;
	bool lost; /* there was no memory to change it */
	bool corrupt;
	bool marked;
	bool left; /* set by the sockets */
};

/* The message that a segment is of; requires that there is one. */
struct message *sockets_message(struct way *way, uint64_t number);

/* Only these may leave from now on, in their order, until the next call. */
void sockets_expect(struct handed *handed, unsigned count);

/* How many messages have left since then. */
unsigned sockets_taken(void);

#endif
