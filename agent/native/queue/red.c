/*
 * RED (Floyd and Jacobson, "Random Early Detection gateways for congestion avoidance", 1993), and adaptive RED (Floyd,
 * Gummadi and Shenker, "Adaptive RED", 2001): frames are dropped or marked on arrival with a probability that grows with the
 * queue's average length.
 *
 * Averages are in units of 2^-20 bytes. While the bottleneck is idle the average falls as if frames of avpkt bytes had met an
 * empty queue. `min` and `max` of -1 are a third of max, and a quarter of the capacity, as tc has it.
 */
#include <stdlib.h>

#include "queue/aqm.h"

#define AVERAGE_SHIFT 20
#define BYTES_MAX (INT64_C(1) << 40)
#define FACTOR_SHIFT 32
#define ADAPT_NS (NS_PER_S / 2)

enum { MIN, MAX, PROBABILITY, WEIGHT, AVPKT, BYTEMODE, ECN, ADAPTIVE };

static const struct parameter parameters[] = {
	{"min", -1, BYTES_MAX},
	{"max", -1, BYTES_MAX},
	{"probability", 0, MILLION},
	{"weight", 0, MILLION},
	{"avpkt", 1, BYTES_MAX},
	{"bytemode", 0, 1},
	{"ecn", 0, 1},
	{"adaptive", 0, 1},
	{NULL, 0, 0},
};

struct red {
	int64_t told;    /* until when the timer's ticks were acted on */
	int64_t average;
	int64_t aged;    /* until when an idle time was taken into the average */
	int64_t low;     /* min and max in bytes, as of the last arrival */
	int64_t high;
	int64_t most;    /* the greatest probability between them: the papers' max_p */
	int64_t count;   /* of frames since one was chosen; -1: the average was below min */
};

static int begin(struct queue *queue)
{
	struct red *self = calloc(1, sizeof(*self));

	queue->state = self;
	if (!self)
		return -1;
	self->most = probability_of_share(queue->values[PROBABILITY]);
	self->count = -1;
	return 0;
}

static bool is_idle(const struct queue *queue)
{
	return queue->packets == 0 && queue->serving_bytes == 0;
}

static void set_thresholds(const struct queue *queue, struct red *self)
{
	wide room = queue->room.packets ? (wide)queue->room.amount * queue->surroundings.full_frame : queue->room.amount;
	int64_t bytes = room > BYTES_MAX ? BYTES_MAX : (int64_t)room;

	self->high = queue->values[MAX] >= 0 ? queue->values[MAX] : bytes / 4;
	self->low = queue->values[MIN] >= 0 ? queue->values[MIN] : self->high / 3;
}

/* (1 - weight)^times in units of 2^-32. */
static uint64_t power(int64_t weight, uint64_t times)
{
	uint64_t result = UINT64_C(1) << FACTOR_SHIFT, base = ((uint64_t)(MILLION - weight) << FACTOR_SHIFT) / MILLION;

	for (; times && result; times >>= 1) {
		if (times & 1)
			result = (uint64_t)((work)result * base >> FACTOR_SHIFT);
		base = (uint64_t)((work)base * base >> FACTOR_SHIFT);
	}
	return result;
}

/* The bottleneck has been idle until now: as if so many frames had come meanwhile as it could have served. */
static void age(const struct queue *queue, struct red *self, int64_t now, const struct cursor *cursor)
{
	int64_t from = self->aged > queue->idle_since ? self->aged : queue->idle_since;
	int64_t rate = queue_rate(queue, cursor);
	work times = (work)(now - from) * (uint64_t)rate / ((work)8 * NS_PER_S * (uint64_t)queue->values[AVPKT]);

	self->aged = now;
	if (rate == RATE_UNLIMITED || times > UINT64_MAX)
		times = UINT64_MAX;
	self->average = (int64_t)((work)self->average * power(queue->values[WEIGHT], (uint64_t)times) >> FACTOR_SHIFT);
}

static void average_in(const struct queue *queue, struct red *self)
{
	int64_t bytes = queue->bytes > BYTES_MAX ? BYTES_MAX : queue->bytes;
	wide difference = ((wide)bytes << AVERAGE_SHIFT) - self->average;

	self->average += (int64_t)floor_divide(queue->values[WEIGHT] * difference, MILLION);
}

/* Adaptive RED's rule: keeps the average in the middle fifth between the thresholds. */
static void adapt(struct red *self)
{
	wide span = self->high - self->low, average = (wide)self->average * 10;
	wide low = ((wide)self->low * 10 + span * 4) << AVERAGE_SHIFT, high = ((wide)self->low * 10 + span * 6) << AVERAGE_SHIFT;

	if (average > high && self->most <= PROBABILITY_ONE / 2)
		self->most += self->most / 4 < PROBABILITY_ONE / 100 ? self->most / 4 : PROBABILITY_ONE / 100;
	else if (average < low && self->most >= PROBABILITY_ONE / 100)
		self->most = self->most * 9 / 10;
}

/* A tick that changes nothing is followed by others like it, unless the average ages. */
static void catch_up(struct queue *queue, int64_t now)
{
	struct red *self = queue->state;
	int64_t tick;

	while (queue->values[ADAPTIVE] && (tick = next_tick(queue, self->told, ADAPT_NS)) <= now) {
		struct cursor cursor = queue_cursor(queue, tick);
		int64_t most = self->most;
		bool ages = is_idle(queue) && self->average;

		if (ages)
			age(queue, self, tick, &cursor);
		adapt(self);
		self->told = ages || self->most != most ? tick : now;
	}
	self->told = now;
}

/* Whether the frame is the one to be dropped, or marked. */
static bool chosen(const struct queue *queue, struct red *self, const struct packet *packet)
{
	wide low = (wide)self->low << AVERAGE_SHIFT, high = (wide)self->high << AVERAGE_SHIFT, some, product;

	if (self->average < low) {
		self->count = -1;
		return false;
	}
	if (self->average < high) {
		self->count++;
		some = self->most * (self->average - low) / (high - low);
		if (queue->values[BYTEMODE])
			some = probability_clamp(some * packet->length / queue->surroundings.full_frame);
		product = some * self->count;
		if (product < PROBABILITY_ONE &&
		    !draw_below(queue, packet, 0, probability_clamp(some * PROBABILITY_ONE / (PROBABILITY_ONE - product))))
			return false;
	}
	self->count = 0;
	return true;
}

static enum verdict arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	struct red *self = queue->state;
	struct cursor cursor = queue_cursor(queue, now);

	catch_up(queue, now);
	set_thresholds(queue, self);
	if (is_idle(queue))
		age(queue, self, now, &cursor);
	else
		average_in(queue, self);
	if (!queue_has_room(queue, packet->length))
		return VERDICT_QUEUE_FULL;
	if (chosen(queue, self, packet) && !(queue->values[ECN] && queue_mark(queue, packet)))
		return VERDICT_AQM;
	queue_put(queue, &queue->fifo, packet);
	return VERDICT_ADMITTED;
}

static struct packet *next(struct queue *queue, int64_t now)
{
	catch_up(queue, now);
	return queue_take(queue, &queue->fifo);
}

static int64_t probability(const struct queue *queue)
{
	return share_of_probability(((const struct red *)queue->state)->most);
}

static int64_t average(const struct queue *queue, int64_t now)
{
	struct red state = *(const struct red *)queue->state;
	struct cursor cursor = queue_cursor(queue, now);

	if (is_idle(queue))
		age(queue, &state, now, &cursor);
	return state.average >> AVERAGE_SHIFT;
}

const struct discipline discipline_red = {.name = "red", .parameters = parameters, .begin = begin, .arrive = arrive,
	.next = next, .catch_up = catch_up, .probability = probability, .average = average, .reads_headers = true};
