/*
 * What is between the bottleneck and the receiver: frames in order within each route, in no order across routes.
 *
 * One FIFO a route (due never falls within a route, unless frames may be reordered: then a list sorted from its end) and a binary heap of the routes that hold frames, so that a frame
 * costs O(log active routes) at most, and a reconfiguration O(frames it moves + active routes).
 */
#ifndef PLCTL_FLIGHT_H
#define PLCTL_FLIGHT_H

#include "model/half.h"

struct route {
	struct packet *head; /* NULL: nothing on this route */
	struct packet *tail;
	int64_t last_due; /* of the last frame ever put on this route */
};

struct flight {
	struct route *routes; /* by packet->route */
	struct route **heap;  /* of the active ones; the root's head is the earliest in (due, serial) */
	uint32_t active;
	int64_t packets;
	bool reorders; /* frames of a route may overtake each other: each route is a list in order of (due, serial) */
	int64_t latest_due; /* of all frames ever put in flight; a reconfiguration from then on moves none */
};

/* 0, or -1 if there is no memory; flight_end() is due either way. */
int flight_init(struct flight *flight, uint32_t routes);
void flight_end(struct flight *flight);

/* Frames go on with as many routes as there are in `empty`, `routes` at least, as so many there were; that gets what was before. */
void flight_widen(struct flight *flight, struct flight *empty, uint32_t routes);

/* Puts a frame on its route; its due time moves up to that of the route's last frame, unless frames are reordered. */
void flight_push(struct flight *flight, struct packet *packet);

/* The earliest due time; TIME_NEVER if nothing is in flight. */
static inline int64_t flight_next_due(const struct flight *flight)
{
	return flight->active ? flight->heap[0]->head->due : TIME_NEVER;
}

/* The earliest frame; there is one. */
struct packet *flight_pop(struct flight *flight);

int64_t flight_count_due(const struct flight *flight, int64_t at); /* frames that are due by `at`; walks along them */

/* A reconfiguration of length D > 0 at t: holds up whatever is due after t, as half.h says of the two modes. */
void flight_postpone(struct flight *flight, int64_t t, int64_t d, enum reconfiguration_mode mode);

#endif
