/* Propagation: keeps what left the bottleneck until it is due. */
#include "model/flight.h"

#include <stdlib.h>
#include <string.h>

#include "model/invariant.h"
#include "model/schedule.h"

int flight_init(struct flight *flight, uint32_t routes)
{
	*flight = (struct flight){
		.routes = calloc(routes, sizeof(*flight->routes)),
		.heap = calloc(routes, sizeof(struct route *)),
	};
	return flight->routes && flight->heap ? 0 : -1;
}

void flight_end(struct flight *flight)
{
	free(flight->routes);
	free(flight->heap);
}

void flight_widen(struct flight *flight, struct flight *empty, uint32_t routes)
{
	struct route *old_routes = flight->routes, **old_heap = flight->heap;

	memcpy(empty->routes, old_routes, routes * sizeof(*old_routes));
	for (uint32_t i = 0; i < flight->active; i++)
		empty->heap[i] = empty->routes + (old_heap[i] - old_routes);
	flight->routes = empty->routes;
	flight->heap = empty->heap;
	empty->routes = old_routes;
	empty->heap = old_heap;
}

static bool earlier(const struct route *a, const struct route *b)
{
	if (a->head->due != b->head->due)
		return a->head->due < b->head->due;
	return a->head->serial < b->head->serial;
}

static void sift_up(struct flight *flight, uint32_t i)
{
	struct route *route = flight->heap[i];

	for (; i > 0 && earlier(route, flight->heap[(i - 1) / 2]); i = (i - 1) / 2)
		flight->heap[i] = flight->heap[(i - 1) / 2];
	flight->heap[i] = route;
}

static void sift_down(struct flight *flight, uint32_t i)
{
	struct route *route = flight->heap[i];

	for (size_t child; (child = 2 * (size_t)i + 1) < flight->active; i = (uint32_t)child) {
		if (child + 1 < flight->active && earlier(flight->heap[child + 1], flight->heap[child]))
			child++;
		if (!earlier(flight->heap[child], route))
			break;
		flight->heap[i] = flight->heap[child];
	}
	flight->heap[i] = route;
}

/* Puts the packet where it belongs among those of the route, of which there are some, by (due, serial). */
static void insert(struct route *route, struct packet *packet)
{
	struct packet *before = route->tail;

	while (before && (before->due > packet->due || (before->due == packet->due && before->serial > packet->serial)))
		before = before->previous;
	packet->previous = before;
	packet->next = before ? before->next : route->head;
	*(before ? &before->next : &route->head) = packet;
	*(packet->next ? &packet->next->previous : &route->tail) = packet;
}

/* The heap after the head of an active route was replaced by an earlier one. */
static void lift(struct flight *flight, const struct route *route)
{
	for (uint32_t i = 0; i < flight->active; i++)
		if (flight->heap[i] == route)
			sift_up(flight, i);
}

static void push_sorted(struct flight *flight, struct packet *packet)
{
	struct route *route = &flight->routes[packet->route];
	bool idle = !route->head;

	flight->packets++;
	if (packet->due > flight->latest_due)
		flight->latest_due = packet->due;
	if (idle)
		route->tail = NULL;
	insert(route, packet);
	if (idle) {
		flight->heap[flight->active++] = route;
		sift_up(flight, flight->active - 1);
	} else if (route->head == packet) {
		lift(flight, route);
	}
}

void flight_push(struct flight *flight, struct packet *packet)
{
	struct route *route = &flight->routes[packet->route];

	if (flight->reorders) {
		push_sorted(flight, packet);
		return;
	}
	if (packet->due < route->last_due)
		packet->due = route->last_due;
	route->last_due = packet->due;
	if (packet->due > flight->latest_due)
		flight->latest_due = packet->due;
	packet->next = NULL;
	flight->packets++;
	if (route->head) {
		INVARIANT(!route->tail->next && route->tail != packet);
		route->tail = route->tail->next = packet;
		return;
	}
	route->head = route->tail = packet;
	flight->heap[flight->active++] = route;
	sift_up(flight, flight->active - 1);
}

struct packet *flight_pop(struct flight *flight)
{
	struct route *route = flight->heap[0];
	struct packet *packet = route->head;

	INVARIANT(flight->active > 0 && flight->packets >= flight->active);
	INVARIANT(!packet->next || packet->next->due >= packet->due);
	route->head = packet->next;
	if (route->head) {
		__builtin_prefetch(route->head->next, 1); /* it has been out of sight for its whole delay */
		route->head->previous = NULL;
	} else {
		flight->heap[0] = flight->heap[--flight->active];
	}
	if (flight->active > 1)
		sift_down(flight, 0);
	flight->packets--;
	return packet;
}

int64_t flight_count_due(const struct flight *flight, int64_t at)
{
	int64_t count = 0;

	for (uint32_t i = 0; i < flight->active; i++)
		for (const struct packet *packet = flight->heap[i]->head; packet && packet->due <= at; packet = packet->next)
			count++;
	return count;
}

/* When a frame arrives, due so far at `due` > t, that a reconfiguration of length D at t finds in flight. */
static int64_t postpone(int64_t due, int64_t t, int64_t d, enum reconfiguration_mode mode)
{
	switch (mode) {
	case RECONFIGURATION_GSL:
		return due > time_after(t, d) ? due : time_after(t, d);
	case RECONFIGURATION_ALL:
		break;
	}
	return time_after(due, d);
}

/* What moves is within the end of the FIFO that is due after t; the first that stays there ends it. */
static void postpone_route(struct route *route, int64_t t, int64_t d, enum reconfiguration_mode mode)
{
	for (struct packet *packet = route->head; packet; packet = packet->next) {
		int64_t due = packet->due > t ? postpone(packet->due, t, d, mode) : packet->due;

		if (packet->due > t && due == packet->due)
			break;
		packet->due = due;
	}
	route->last_due = route->tail->due;
}

/* As postpone_route(), of a sorted list: those that are held up until the same time are in order of service again. */
static void postpone_sorted(struct route *route, int64_t t, int64_t d, enum reconfiguration_mode mode)
{
	struct packet *packet = route->head;

	route->head = route->tail = NULL;
	while (packet) {
		struct packet *next = packet->next;

		if (packet->due > t)
			packet->due = postpone(packet->due, t, d, mode);
		insert(route, packet);
		packet = next;
	}
}

void flight_postpone(struct flight *flight, int64_t t, int64_t d, enum reconfiguration_mode mode)
{
	if (flight->latest_due <= t)
		return;
	flight->latest_due = postpone(flight->latest_due, t, d, mode);
	for (uint32_t i = 0; i < flight->active; i++)
		(flight->reorders ? postpone_sorted : postpone_route)(flight->heap[i], t, d, mode);
	for (uint32_t i = flight->active / 2; i > 0; i--)
		sift_down(flight, i - 1);
}
