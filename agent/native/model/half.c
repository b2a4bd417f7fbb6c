/*
 * The bottleneck of one direction: admission, service, reconfiguration. What is served goes on to flight.c.
 *
 * Invariant between calls: everything that happens at or before virtual now has happened. Other queue disciplines take
 * the place of admit() and choose_next(); impairments belong into leave(), before the frame is put in flight.
 */
#include "model/half.h"

#include <errno.h>
#include <stdlib.h>

#include "model/flight.h"
#include "model/schedule.h"

#define FULL_FRAMES_MIN 10 /* a BDP capacity holds at least this many */
#define BDP_DIVISOR (UINT64_C(8) * NS_PER_S * 1000000) /* bits x ns x millionths in a byte x s */

struct limit {
	bool packets; /* counts packets, not bytes */
	int64_t amount;
};

struct half {
	struct half_config config;
	const struct schedule *schedule; /* the config's */
	struct cursor cursor; /* at the row in force at virtual now */
	int64_t t0;           /* TIME_NEVER: not known */
	int64_t now;
	int64_t next_reconfiguration; /* the next reconfiguration that matters */
	int64_t blackout_end;
	struct packet *serving;
	struct packet *head; /* waiting */
	struct packet *tail;
	int64_t backlog_bytes; /* waiting and in service */
	int64_t backlog_packets;
	int64_t admitted_ns; /* when the last frame was */
	uint64_t served;
	struct limit limit; /* the capacity while the row limit_row is in force */
	uint32_t limit_row;
	struct flight flight;
};

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static const struct row *row_now(const struct half *half)
{
	return &half->schedule->rows[half->cursor.row];
}

/* The queue */

/* floor(rate x 2 x delay x millionths), at most INT64_MAX, at least ten full frames. */
static int64_t bdp_bytes(const struct half_config *config, const struct row *row)
{
	work round_trip = (work)row->rate_bps * (uint64_t)row->delay_ns * 2;
	work bytes = INT64_MAX;

	if (config->capacity_amount == 0 || round_trip <= ~(work)0 / (uint64_t)config->capacity_amount)
		bytes = round_trip * (uint64_t)config->capacity_amount / BDP_DIVISOR;
	if (bytes < (work)config->full_frame * FULL_FRAMES_MIN)
		bytes = (work)config->full_frame * FULL_FRAMES_MIN;
	return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

static struct limit limit_of(const struct half_config *config, const struct row *row)
{
	if (row->queue_bytes >= 0)
		return (struct limit){.amount = row->queue_bytes};
	switch (config->capacity_unit) {
	case CAPACITY_BYTES:
		break;
	case CAPACITY_PACKETS:
		return (struct limit){.packets = true, .amount = config->capacity_amount};
	case CAPACITY_BDP:
		if (row->rate_bps == RATE_UNLIMITED)
			return (struct limit){.amount = INT64_MAX};
		return (struct limit){.amount = bdp_bytes(config, row)};
	}
	return (struct limit){.amount = config->capacity_amount};
}

/* Drop-tail: whether there is room for `length` bytes more. */
static bool admit(struct half *half, uint32_t length)
{
	if (half->backlog_packets == 0)
		return true;
	if (half->limit_row != half->cursor.row) {
		half->limit = limit_of(&half->config, row_now(half));
		half->limit_row = half->cursor.row;
	}
	if (half->limit.packets)
		return half->backlog_packets < half->limit.amount;
	return half->backlog_bytes <= half->limit.amount - (int64_t)length;
}

static void enqueue(struct half *half, struct packet *packet)
{
	packet->next = NULL;
	if (half->head)
		half->tail->next = packet;
	else
		half->head = packet;
	half->tail = packet;
	half->backlog_bytes += packet->length;
	half->backlog_packets++;
}

/* First come, first served; something waits. */
static struct packet *choose_next(struct half *half)
{
	struct packet *packet = half->head;

	half->head = packet->next;
	return packet;
}

/* Service */

static void enter(struct half *half, struct packet *packet)
{
	packet->start = half->now;
	packet->end = schedule_service_end(half->schedule, half->cursor, half->now, packet->length);
	packet->serial = half->served++;
	half->serving = packet;
}

static void leave(struct half *half, struct packet *packet)
{
	const struct row *row = row_now(half);

	half->serving = NULL;
	half->backlog_bytes -= packet->length;
	half->backlog_packets--;
	packet->route = (uint32_t)row->route;
	packet->due = larger(time_after(half->now, row->delay_ns), half->blackout_end);
	flight_push(&half->flight, packet);
}

/* Ends and begins whatever service ends or may begin at virtual now. */
static void serve(struct half *half)
{
	for (;;) {
		if (half->serving && half->serving->end <= half->now)
			leave(half, half->serving);
		if (half->serving || !half->head || half->now < half->blackout_end)
			return;
		enter(half, choose_next(half));
	}
}

/* When service next ends, or begins after a blackout. */
static int64_t next_service(const struct half *half)
{
	if (half->serving)
		return half->serving->end;
	return half->head ? half->blackout_end : TIME_NEVER;
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

	if (period && half->next_reconfiguration <= t && half->flight.latest_due <= half->next_reconfiguration)
		half->next_reconfiguration += (t - half->next_reconfiguration) / period * period;
}

/* Interface */

struct half *half_new(const struct half_config *config)
{
	char why[160];
	struct half *half;

	if (!half_config_check(config, why, sizeof(why))) {
		errno = EINVAL;
		return NULL;
	}
	half = calloc(1, sizeof(*half));
	if (!half || flight_init(&half->flight, config->schedule->routes)) {
		half_free(half);
		errno = ENOMEM;
		return NULL;
	}
	half->config = *config;
	half->schedule = schedule_hold(half->config.schedule);
	half->t0 = TIME_NEVER;
	half->next_reconfiguration = TIME_NEVER;
	half->cursor = schedule_begin(TIME_NEVER);
	half->limit = limit_of(config, row_now(half));
	return half;
}

void half_free(struct half *half)
{
	if (!half)
		return;
	schedule_release(half->config.schedule);
	flight_end(&half->flight);
	free(half);
}

bool half_arm(struct half *half, int64_t t0)
{
	if (t0 < half->now || half->t0 <= half->now)
		return false;
	half->t0 = t0;
	half->cursor = schedule_begin(t0);
	find_next_change(half);
	if (half->serving)
		half->serving->end = schedule_service_end(half->schedule, half->cursor, half->serving->start,
			half->serving->length);
	return true;
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

enum verdict half_arrive(struct half *half, struct packet *packet, int64_t at)
{
	half_advance(half, at);
	packet->arrival = half->now;
	if (!admit(half, packet->length))
		return VERDICT_QUEUE_FULL;
	half->admitted_ns = half->now;
	enqueue(half, packet);
	serve(half);
	return VERDICT_ADMITTED;
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

	if (end < until)
		due = smaller(due, time_after(end, row_now(half)->delay_ns));
	return larger(due, half->blackout_end);
}

int64_t half_next_due(const struct half *half)
{
	int64_t due = flight_next_due(&half->flight);

	if (half->backlog_packets > 0 && next_service(half) < due)
		due = smaller(due, due_after_service(half, next_service(half)));
	return due;
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
	return packet || !half->head ? packet : choose_next(half);
}

void half_gauges(const struct half *half, struct half_gauges *gauges)
{
	*gauges = (struct half_gauges){
		.queue_bytes = half->backlog_bytes,
		.queue_packets = half->backlog_packets,
		.in_flight_packets = half->flight.packets,
		.row = half->cursor.row,
	};
}

int64_t half_now(const struct half *half)
{
	return half->now;
}
