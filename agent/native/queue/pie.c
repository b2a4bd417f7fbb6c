/*
 * PIE (RFC 8033, its basic algorithm and ECN of section 5.1): frames are dropped on arrival, with a probability that is
 * worked out anew in equal intervals from the delay of the queue and from how that has changed.
 *
 * The delay is what waits divided by the rate of the row in force, as a departure rate is known here; in an outage by the
 * last rate that was not 0. With dq_rate_estimator it is divided by what section 4.3 estimates from departures.
 */
#include <stdlib.h>

#include "queue/aqm.h"

#define MEAN_FRAME 1024 /* of the RFC: a queue of two such is let be */
#define ECN_MOST (PROBABILITY_ONE / 10) /* above it frames are dropped that could be marked */

#define MEASURED_BYTES (1 << 14) /* the RFC's DQ_THRESHOLD: how much departs in a measurement */
#define MEASURED_WEIGHT 4        /* a measurement is so much of the average: one part in four */

enum { TARGET, TUPDATE, ALPHA, BETA, MAX_BURST, ECN, ESTIMATOR };

static const struct parameter parameters[] = {
	{"target", 0, QUEUE_DURATION_MAX},
	{"tupdate", 1, QUEUE_DURATION_MAX},
	{"alpha", 0, INT64_C(1000) * MILLION},
	{"beta", 0, INT64_C(1000) * MILLION},
	{"max_burst", 0, QUEUE_DURATION_MAX},
	{"ecn", 0, 1},
	{"dq_rate_estimator", 0, 1},
	{NULL, 0, 0},
};

struct pie {
	int64_t told; /* until when the timer's ticks were acted on */
	int64_t probability;
	int64_t delay; /* at the last tick */
	int64_t burst; /* how long frames are still let be */
	int64_t begun; /* when the measurement under way began; -1: none is under way */
	int64_t departed; /* since then, in bytes */
	int64_t average;  /* how long MEASURED_BYTES take to depart; 0: not known */
};

static int begin(struct queue *queue)
{
	struct pie *self = calloc(1, sizeof(*self));

	queue->state = self;
	if (!self)
		return -1;
	self->burst = queue->values[MAX_BURST];
	self->begun = -1;
	return 0;
}

static int64_t delay_now(const struct queue *queue, const struct pie *self, const struct cursor *cursor)
{
	int64_t rate = queue_rate(queue, cursor);
	wide delay = (wide)queue->bytes * self->average / MEASURED_BYTES;

	if (queue->values[ESTIMATOR])
		return delay > QUEUE_DURATION_MAX ? QUEUE_DURATION_MAX : (int64_t)delay;
	if (rate == 0 || rate == RATE_UNLIMITED)
		return 0;
	delay = (wide)queue->bytes * 8 * NS_PER_S / rate;
	return delay > QUEUE_DURATION_MAX ? QUEUE_DURATION_MAX : (int64_t)delay;
}

/* The smaller the probability, the more carefully it changes (section 4.2). */
static int64_t divisor_of(int64_t probability)
{
	static const struct {
		int64_t below;
		int64_t divisor;
	} steps[] = {{PROBABILITY_ONE / 1000000, 2048}, {PROBABILITY_ONE / 100000, 512}, {PROBABILITY_ONE / 10000, 128},
		{PROBABILITY_ONE / 1000, 32}, {PROBABILITY_ONE / 100, 8}, {PROBABILITY_ONE / 10, 2}};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (probability < steps[i].below)
			return steps[i].divisor;
	return 1;
}

/* One tick; false if it changed nothing. */
static bool update(const struct queue *queue, struct pie *self, const struct cursor *cursor)
{
	const int64_t *values = queue->values;
	struct pie before = *self;
	int64_t delay = delay_now(queue, self, cursor);

	self->probability = probability_clamp(self->probability + pi_change(values[ALPHA], values[BETA], delay,
		values[TARGET], before.delay, divisor_of(self->probability)));
	if (delay == 0 && before.delay == 0)
		self->probability = self->probability * 98 / 100;
	self->burst = self->burst > values[TUPDATE] ? self->burst - values[TUPDATE] : 0;
	if (self->probability == 0 && delay * 2 < values[TARGET] && before.delay * 2 < values[TARGET])
		self->burst = values[MAX_BURST];
	self->delay = delay;
	return self->probability != before.probability || self->burst != before.burst || self->delay != before.delay;
}

/* A tick that changes nothing is followed by others like it: as long as the row holds, or for ever if nothing waits. */
static void catch_up(struct queue *queue, int64_t now)
{
	struct pie *self = queue->state;
	int64_t tick;

	while ((tick = next_tick(queue, self->told, queue->values[TUPDATE])) <= now) {
		struct cursor cursor = queue_cursor(queue, tick);
		int64_t same_until;

		self->told = tick;
		if (update(queue, self, &cursor))
			continue;
		same_until = queue->packets ? schedule_until(queue->surroundings.schedule, &cursor) : TIME_NEVER;
		self->told = same_until > now ? now : same_until - 1;
	}
	self->told = now;
}

/* Whether the frame is the one to be dropped, or marked. */
static bool chosen(const struct queue *queue, const struct pie *self, const struct packet *packet)
{
	if (self->burst > 0 || queue->bytes <= 2 * MEAN_FRAME)
		return false;
	if (self->delay * 2 < queue->values[TARGET] && self->probability < PROBABILITY_ONE / 5)
		return false;
	return draw_below(queue, packet, 0, self->probability);
}

static enum verdict arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	struct pie *self = queue->state;

	catch_up(queue, now);
	if (!queue_has_room(queue, packet->length))
		return VERDICT_QUEUE_FULL;
	if (chosen(queue, self, packet) &&
	    !(queue->values[ECN] && self->probability < ECN_MOST && queue_mark(queue, packet)))
		return VERDICT_AQM;
	queue_put(queue, &queue->fifo, packet);
	return VERDICT_ADMITTED;
}

/* A frame of `length` bytes departs, and leaves others behind. */
static void measure(const struct queue *queue, struct pie *self, int64_t length, int64_t now)
{
	int64_t took;

	if (self->begun < 0 && queue->bytes >= MEASURED_BYTES) {
		self->begun = now;
		self->departed = 0;
	}
	if (self->begun < 0)
		return;
	self->departed += length;
	if (self->departed < MEASURED_BYTES)
		return;
	took = now - self->begun > QUEUE_DURATION_MAX ? QUEUE_DURATION_MAX : now - self->begun;
	self->average = self->average ? (took + (MEASURED_WEIGHT - 1) * self->average) / MEASURED_WEIGHT : took;
	self->begun = -1;
}

static struct packet *next(struct queue *queue, int64_t now)
{
	struct packet *packet;

	catch_up(queue, now);
	packet = queue_take(queue, &queue->fifo);
	measure(queue, queue->state, packet->length, now);
	return packet;
}

static int64_t probability(const struct queue *queue)
{
	return share_of_probability(((const struct pie *)queue->state)->probability);
}

const struct discipline discipline_pie = {.name = "pie", .parameters = parameters, .begin = begin, .arrive = arrive,
	.next = next, .catch_up = catch_up, .probability = probability, .reads_headers = true};
