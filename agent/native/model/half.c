/*
 * The bottleneck of one direction: service, reconfiguration, and the capacity. What waits is in a queue (queue.h), what is
 * served goes on to flight.c.
 *
 * Invariant between calls: everything that happens at or before virtual now has happened.
 */
#include "model/half.h"

#include <errno.h>
#include <stdlib.h>

#include "model/capacity.h"
#include "model/flight.h"
#include "model/opportunities.h"
#include "model/schedule.h"

struct half {
	struct half_config config; /* its schedule is held; impairments as they were at first */
	const struct schedule *schedule; /* the config's */
	struct cursor cursor; /* at the row in force at virtual now */
	int64_t t0;           /* TIME_NEVER: not known */
	int64_t now;
	int64_t next_reconfiguration; /* the next reconfiguration that matters */
	int64_t blackout_end;
	struct packet *serving;
	struct queue queue;
	uint32_t room_row; /* while which is in force the queue's room holds */
	int64_t admitted_ns; /* when the last frame was */
	uint64_t arrived;
	uint64_t served;       /* begun */
	uint64_t left_packets; /* the bottleneck */
	uint64_t left_bytes;
	struct opportunity used;        /* last, where service is by opportunities ... */
	struct opportunity used_before; /* ... and before the service under way */
	struct flight flight;
	uint64_t travelled;              /* frames that have ended service since T0 */
	struct impairments *impairments; /* NULL: the path does nothing to frames but delay them */
	make_copy copies;
	void *copies_owner;
};

static const struct row *row_now(const struct half *half)
{
	return &half->schedule->rows[half->cursor.row];
}

/* Service */

/* When the service of a packet ends that has started; also after T0 was moved. */
static int64_t service_end(struct half *half, const struct packet *packet)
{
	const struct opportunities *opportunities = &half->schedule->opportunities;

	if (!opportunities->gaps)
		return schedule_service_end(half->schedule, half->cursor, packet->start, packet->length);
	half->used = half->used_before;
	return opportunities_service_end(opportunities, half->t0, packet->start, packet->arrival < packet->start,
		packet->length, &half->used);
}

static void enter(struct half *half, struct packet *packet)
{
	packet->start = half->now;
	half->used_before = half->used;
	packet->end = service_end(half, packet);
	packet->serial = half->served++;
	half->serving = packet;
	half->queue.serving_bytes = packet->length;
}

/* t + by, which may be negative, but not before t. */
static int64_t not_before(int64_t t, int64_t delay_ns, int64_t by)
{
	return by < 0 ? time_after(t, larger(0, delay_ns + by)) : time_after(time_after(t, delay_ns), by);
}

/* Propagation of a frame that goes on to the receiver, by the row in force at virtual now. */
static void propagate(struct half *half, struct packet *packet, const struct row *row, int64_t jitter_ns)
{
	packet->route = (uint32_t)row->route;
	packet->due = larger(not_before(half->now, row->delay_ns, jitter_ns), half->blackout_end);
	flight_push(&half->flight, packet);
}

/* A copy of the packet follows it. */
static void duplicate(struct half *half, const struct packet *packet, const struct row *row, int64_t jitter_ns)
{
	struct packet *made = half->copies ? half->copies(half->copies_owner, packet) : NULL;

	if (!made)
		return;
	*made = *packet;
	made->copy = true;
	made->route = (uint32_t)row->route;
	made->due = time_after(not_before(half->now, row->delay_ns, jitter_ns), half->config.impairments.duplicate_delay_ns);
	made->due = larger(made->due, half->blackout_end);
	flight_push(&half->flight, made);
}

/* What the path behind the bottleneck does to frames: impairments, then propagation. */
static void travel(struct half *half, struct packet *packet, const struct row *row)
{
	struct fate fate;

	if (half->now < half->t0 || !half->impairments) {
		half->travelled += half->now >= half->t0;
		propagate(half, packet, row, 0);
		return;
	}
	fate = impairments_decide(half->impairments, half->config.key, half->travelled++, row, half->now);
	if (fate.lost) {
		queue_drop(&half->queue, packet, VERDICT_RANDOM_LOSS, half->now);
		return;
	}
	packet->corrupt = fate.corrupt;
	packet->corruption = fate.corruption;
	propagate(half, packet, row, fate.jitter_ns);
	if (fate.copied)
		duplicate(half, packet, row, fate.copy_jitter_ns);
}

/* The service of a frame ends. */
static void leave(struct half *half, struct packet *packet)
{
	half->serving = NULL;
	half->queue.serving_bytes = 0;
	half->queue.idle_since = half->now;
	if (!half->queue.discipline)
		queue_left(&half->queue, packet);
	half->left_packets++;
	half->left_bytes += packet->length;
	travel(half, packet, row_now(half));
}

/* Ends and begins whatever service ends or may begin at virtual now. */
static void serve(struct half *half)
{
	struct packet *packet;

	for (;;) {
		if (half->serving && half->serving->end <= half->now)
			leave(half, half->serving);
		if (half->serving || half->queue.packets == 0 || half->now < half->blackout_end)
			return;
		packet = queue_next(&half->queue, half->now);
		if (packet)
			enter(half, packet);
	}
}

/* When service next ends, or begins after a blackout. */
static int64_t next_service(const struct half *half)
{
	if (half->serving)
		return half->serving->end;
	return half->queue.packets ? half->blackout_end : TIME_NEVER;
}

/* Reconfiguration */

static void find_next_change(struct half *half)
{
	half->next_reconfiguration = TIME_NEVER;
	if (half->config.reconfiguration_ns > 0)
		half->next_reconfiguration = schedule_next_reconfiguration(half->schedule, &half->cursor);
}

static void reconfigure(struct half *half)
{
	half->blackout_end = time_after(half->now, half->config.reconfiguration_ns);
	flight_postpone(&half->flight, half->now, half->config.reconfiguration_ns, half->config.reconfiguration_mode);
	find_next_change(half);
}

/*
 * Of all reconfigurations until t, before which no service begins or ends, only the last counts unless some find frames
 * in flight: leaves out whole cycles, so that a link that slept for an hour does not go through each flap of a short
 * repeated schedule.
 */
static void skip_changes(struct half *half, int64_t t)
{
	int64_t period = half->schedule->period_ns;

	if (period && half->cursor.row >= half->schedule->loop_row && half->next_reconfiguration <= t && half->flight.latest_due <= half->next_reconfiguration)
		half->next_reconfiguration += (t - half->next_reconfiguration) / period * period;
}

/* Interface */

static bool impairs(const struct half_config *config)
{
	return config->schedule->impaired || config->impairments.loss.model != LOSS_BERNOULLI;
}

/* What may fail for want of memory; half_free() is due either way. */
static int begin(struct half *half, const struct half_config *config)
{
	struct surroundings surroundings = {.schedule = config->schedule, .full_frame = config->full_frame,
		.key = config->key, .t0 = TIME_NEVER};

	half->config = *config;
	half->schedule = schedule_hold(half->config.schedule);
	if (flight_init(&half->flight, config->schedule->routes))
		return -1;
	half->flight.reorders = config->impairments.reorder;
	if (impairs(config)) {
		half->impairments = impairments_new(&config->impairments);
		if (!half->impairments)
			return -1;
	}
	return queue_begin(&half->queue, &config->queue, &surroundings);
}

struct half *half_new(const struct half_config *config)
{
	char why[160];
	struct half *half;

	if (!half_config_check(config, why, sizeof(why))) {
		errno = EINVAL;
		return NULL;
	}
	half = calloc(1, sizeof(*half));
	if (!half || begin(half, config)) {
		half_free(half);
		errno = ENOMEM;
		return NULL;
	}
	half->t0 = TIME_NEVER;
	half->next_reconfiguration = TIME_NEVER;
	half->cursor = schedule_begin(TIME_NEVER);
	half->queue.room = capacity_room(config, row_now(half));
	half->queue.queue_id = (uint32_t)row_now(half)->queue_id;
	return half;
}

void half_free(struct half *half)
{
	if (!half)
		return;
	schedule_release(half->config.schedule);
	flight_end(&half->flight);
	queue_end(&half->queue);
	impairments_free(half->impairments);
	free(half);
}

void half_set_copies(struct half *half, make_copy copies, void *owner)
{
	half->copies = copies;
	half->copies_owner = owner;
}

bool half_makes_copies(const struct half *half)
{
	return half->schedule->duplicates;
}

bool half_arm(struct half *half, int64_t t0)
{
	if (t0 < half->now || half->t0 <= half->now)
		return false;
	half->t0 = half->queue.surroundings.t0 = t0;
	half->cursor = schedule_begin(t0);
	find_next_change(half);
	if (half->serving)
		half->serving->end = service_end(half, half->serving);
	return true;
}

/* Live change */

struct half_change {
	struct schedule *schedule;
	struct flight flight;            /* with nothing in it */
	struct impairments *impairments; /* NULL: what there is will do */
};

struct half_change *half_change_new(const struct half_config *config)
{
	struct half_change *change;
	char why[160];

	if (!half_config_check(config, why, sizeof(why))) {
		errno = EINVAL;
		return NULL;
	}
	change = calloc(1, sizeof(*change));
	if (!change)
		return NULL;
	change->schedule = schedule_hold(config->schedule);
	if (impairs(config))
		change->impairments = impairments_new(&config->impairments);
	if (flight_init(&change->flight, config->schedule->routes) || (impairs(config) && !change->impairments)) {
		half_change_free(change);
		errno = ENOMEM;
		return NULL;
	}
	return change;
}

void half_change_free(struct half_change *change)
{
	if (!change)
		return;
	schedule_release(change->schedule);
	flight_end(&change->flight);
	impairments_free(change->impairments);
	free(change);
}

int half_can_change(const struct half *half, const struct half_change *change, int64_t at)
{
	const struct schedule *old = half->schedule, *new = change->schedule;

	if (at <= half->t0)
		return EAGAIN;
	if (at <= half->now)
		return ETIME;
	if (new->routes < old->routes || !opportunities_alike(&new->opportunities, &old->opportunities))
		return EINVAL;
	if (half->impairments && half->impairments->jitter.begun && change->impairments &&
	    !change->impairments->config.jitter.distribution.count)
		return EINVAL;
	return 0;
}

void half_change(struct half *half, struct half_change *change)
{
	struct schedule *old = half->config.schedule;
	bool room_known = half->room_row == half->cursor.row;

	flight_widen(&half->flight, &change->flight, old->routes);
	half->schedule = half->queue.surroundings.schedule = half->config.schedule = change->schedule;
	change->schedule = old;
	if (change->impairments) {
		struct impairments *before = half->impairments;

		if (before)
			impairments_continue(change->impairments, before);
		half->impairments = change->impairments;
		change->impairments = before;
	}
	half->cursor = schedule_begin(half->t0); /* what was a cycle of the one may be rows of the other */
	schedule_seek(half->schedule, &half->cursor, half->now);
	half->room_row = room_known ? half->cursor.row : UINT32_MAX;
	find_next_change(half);
	if (half->serving && !half->schedule->opportunities.gaps)
		half->serving->end = schedule_service_end(half->schedule, schedule_begin(half->t0), half->serving->start,
			half->serving->length);
}

void half_advance(struct half *half, int64_t now)
{
	while (half->now < now) {
		skip_changes(half, smaller(now, next_service(half)));
		half->now = smaller(now, smaller(next_service(half), half->next_reconfiguration));
		schedule_seek(half->schedule, &half->cursor, half->now);
		if (half->now == half->next_reconfiguration)
			reconfigure(half);
		serve(half);
	}
}

/* Lets the bottleneck count that the row in force names. */
static void turn(struct half *half)
{
	uint32_t queue_id = (uint32_t)row_now(half)->queue_id;

	if (queue_id != half->queue.queue_id && !half->queue.discipline)
		queue_turn_to(&half->queue, queue_id, half->serving);
}

enum verdict half_arrive(struct half *half, struct packet *packet, int64_t at)
{
	enum verdict verdict;

	half_advance(half, at);
	if (half->room_row != half->cursor.row) {
		half->queue.room = capacity_room(&half->config, row_now(half));
		half->room_row = half->cursor.row;
		turn(half);
	}
	packet->route = half->queue.queue_id;
	packet->arrival = half->now;
	packet->serial = half->arrived++;
	packet->marked = packet->corrupt = packet->copy = false;
	packet->verdict = VERDICT_ADMITTED;
	verdict = queue_arrive(&half->queue, packet, half->now);
	if (verdict == VERDICT_ADMITTED) {
		half->admitted_ns = half->now;
		serve(half);
	}
	return verdict;
}

bool half_reads_headers(const struct half *half)
{
	return half->queue.discipline && half->queue.discipline->reads_headers;
}

struct packet *half_dropped(struct half *half)
{
	return fifo_take(&half->queue.dropped);
}

/* Since when the row in force is; row 0 is before T0, too. */
static int64_t row_since(const struct half *half)
{
	if (half->cursor.row == 0 && half->cursor.cycle == half->t0)
		return 0;
	return half->cursor.cycle + row_now(half)->time_ns;
}

bool half_undisturbed_since(const struct half *half, int64_t at)
{
	return half->admitted_ns <= at && row_since(half) <= at;
}

struct packet *half_pop(struct half *half, int64_t now)
{
	half_advance(half, now);
	return flight_next_due(&half->flight) <= now ? flight_pop(&half->flight) : NULL;
}

/* No service ends before `end`: what is due soonest of all that is not yet in flight. */
static int64_t due_after_service(const struct half *half, int64_t end)
{
	int64_t until = schedule_until(half->schedule, &half->cursor);
	int64_t due = time_after(larger(end, until), half->schedule->min_delay_ns);

	if (half->schedule->jitters) /* a frame may be early by all of its delay */
		return larger(end, half->blackout_end);
	if (end < until)
		due = smaller(due, time_after(end, row_now(half)->delay_ns));
	return larger(due, half->blackout_end);
}

int64_t half_next_due(const struct half *half)
{
	int64_t due = flight_next_due(&half->flight);

	if (next_service(half) < due)
		due = smaller(due, due_after_service(half, next_service(half)));
	return due;
}

int64_t half_least_transit_ns(const struct half *half)
{
	return half->schedule->jitters ? 0 : half->schedule->min_delay_ns;
}

void half_overdue(const struct half *half, int64_t at, int64_t *packets, int64_t *oldest)
{
	int64_t next = flight_next_due(&half->flight);

	if (next > at)
		return;
	*packets += flight_count_due(&half->flight, at);
	*oldest = *oldest ? smaller(*oldest, next) : next;
}

struct packet *half_drain(struct half *half)
{
	struct packet *packet = half->serving;

	if (half->flight.active)
		return flight_pop(&half->flight);
	half->serving = NULL;
	return packet ? packet : queue_drain(&half->queue);
}

void half_gauges(struct half *half, struct half_gauges *gauges)
{
	const struct discipline *discipline = half->queue.discipline;

	if (discipline && discipline->catch_up && half->now >= half->t0) /* from T0 on it is known when timers tick */
		discipline->catch_up(&half->queue, half->now);
	*gauges = (struct half_gauges){
		.queue_bytes = half->queue.bytes + half->queue.serving_bytes,
		.queue_packets = half->queue.packets + (half->serving != NULL),
		.in_flight_packets = half->flight.packets,
		.served_packets = half->left_packets,
		.served_bytes = half->left_bytes,
		.marked_packets = half->queue.marked,
		.aqm_ppm = discipline && discipline->probability ? discipline->probability(&half->queue) : 0,
		.aqm_average_bytes = discipline && discipline->average ? discipline->average(&half->queue, half->now) : 0,
		.row = half->cursor.row,
	};
}

int64_t half_now(const struct half *half)
{
	return half->now;
}
