/*
 * DualPI2 (RFC 9332, appendix A): frames of scalable senders, ECT(1) and CE, wait in a queue of their own that is served
 * first; both queues are kept short by one controller, whose probability is squared for the classic queue and multiplied for
 * the other.
 *
 * Overload is as in figure 9 of the RFC: from p_CL = 1 on the L queue drops, too, and from p_C = 1 / k^2 on the classic
 * queue drops what it might mark. The classic queue is protected by a credit of bytes, weighted by its share.
 */
#include <stdlib.h>

#include "queue/aqm.h"

enum { TARGET, TUPDATE, ALPHA, BETA, COUPLING_FACTOR, STEP_THRESH, CLASSIC_PROTECTION };

static const struct parameter parameters[] = {
	{"target", 0, QUEUE_DURATION_MAX},
	{"tupdate", 1, QUEUE_DURATION_MAX},
	{"alpha", 0, INT64_C(1000) * MILLION},
	{"beta", 0, INT64_C(1000) * MILLION},
	{"coupling_factor", 1, 255},
	{"step_thresh", 0, QUEUE_DURATION_MAX},
	{"classic_protection", 0, MILLION},
	{NULL, 0, 0},
};

struct dualpi2 {
	struct fifo low; /* the L queue; the classic one is queue->fifo */
	int64_t told;    /* until when the timer's ticks were acted on */
	int64_t base;    /* the RFC's p' */
	int64_t delay;   /* at the last tick */
	wide credit;     /* of the classic queue; it is its turn while that is above 0 */
};

static void reset_credit(struct queue *queue, struct dualpi2 *self)
{
	int64_t classic = queue->values[CLASSIC_PROTECTION];

	self->credit = (wide)queue->surroundings.full_frame * (classic - (MILLION - classic));
}

static int begin(struct queue *queue)
{
	struct dualpi2 *self = calloc(1, sizeof(*self));

	queue->state = self;
	if (!self)
		return -1;
	reset_credit(queue, self);
	return 0;
}

static int64_t sojourn(const struct packet *head, int64_t now)
{
	if (!head)
		return 0;
	return now - head->arrival > QUEUE_DURATION_MAX ? QUEUE_DURATION_MAX : now - head->arrival;
}

/* One tick; false if it changed nothing. */
static bool update(const struct queue *queue, struct dualpi2 *self, int64_t tick)
{
	const int64_t *values = queue->values;
	int64_t base = self->base, before = self->delay;
	int64_t low = sojourn(self->low.head, tick), classic = sojourn(queue->fifo.head, tick);

	self->delay = low > classic ? low : classic;
	self->base = probability_clamp(base + pi_change(values[ALPHA], values[BETA], self->delay, values[TARGET], before, 1));
	return self->base != base || self->delay != before;
}

/* A tick that changes nothing finds nothing that waits, or what has waited for so long that it counts as no longer. */
static void catch_up(struct queue *queue, int64_t now)
{
	struct dualpi2 *self = queue->state;
	int64_t tick;

	while ((tick = next_tick(queue, self->told, queue->values[TUPDATE])) <= now)
		self->told = update(queue, self, tick) ? tick : now;
	self->told = now;
}

static enum verdict arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	struct dualpi2 *self = queue->state;

	catch_up(queue, now);
	if (!queue_has_room(queue, packet->length))
		return VERDICT_QUEUE_FULL;
	if (queue->packets == 0 && queue->serving_bytes == 0)
		reset_credit(queue, self);
	queue_put(queue, packet->ecn & 1 ? &self->low : &queue->fifo, packet);
	return VERDICT_ADMITTED;
}

/* The L queue, unless it is the classic one's turn; *credit: what serving it for a byte adds. */
static struct fifo *choose(struct queue *queue, struct dualpi2 *self, int64_t *credit)
{
	bool low = self->low.head && (!queue->fifo.head || self->credit <= 0);
	struct fifo *other = low ? &queue->fifo : &self->low;
	int64_t classic = queue->values[CLASSIC_PROTECTION];

	*credit = !other->head ? 0 : low ? classic : classic - MILLION;
	return low ? &self->low : &queue->fifo;
}

/* Marks a frame of the L queue as it is served; false if it is to be dropped. */
static bool pass_low(struct queue *queue, struct dualpi2 *self, struct packet *packet, int64_t now)
{
	int64_t coupled = probability_clamp((wide)self->base * queue->values[COUPLING_FACTOR]);
	int64_t likely = coupled;

	if (coupled == PROBABILITY_ONE) {
		if (draw_below(queue, packet, 0, (int64_t)((wide)self->base * self->base >> 48)))
			return false;
	} else if (now - packet->arrival > queue->values[STEP_THRESH]) {
		likely = PROBABILITY_ONE;
	}
	if (draw_below(queue, packet, 1, likely))
		queue_mark(queue, packet);
	return true;
}

/* The same for a frame of the classic queue. */
static bool pass_classic(struct queue *queue, struct dualpi2 *self, struct packet *packet)
{
	int64_t squared = (int64_t)((wide)self->base * self->base >> 48);
	int64_t coupling = queue->values[COUPLING_FACTOR];

	if (!draw_below(queue, packet, 0, squared))
		return true;
	return squared < PROBABILITY_ONE / (coupling * coupling) && queue_mark(queue, packet);
}

static struct packet *next(struct queue *queue, int64_t now)
{
	struct dualpi2 *self = queue->state;

	catch_up(queue, now);
	while (queue->packets) {
		int64_t credit;
		struct fifo *fifo = choose(queue, self, &credit);
		struct packet *packet = queue_take(queue, fifo);

		if (fifo == &self->low ? pass_low(queue, self, packet, now) : pass_classic(queue, self, packet)) {
			self->credit += (wide)credit * packet->length;
			return packet;
		}
		queue_drop(queue, packet, VERDICT_AQM, now);
	}
	return NULL;
}

static struct packet *drain(struct queue *queue)
{
	struct dualpi2 *self = queue->state;
	struct packet *packet = fifo_take(&self->low);

	return packet ? packet : fifo_take(&queue->fifo);
}

static int64_t probability(const struct queue *queue)
{
	return share_of_probability(((const struct dualpi2 *)queue->state)->base);
}

const struct discipline discipline_dualpi2 = {.name = "dualpi2", .parameters = parameters, .begin = begin,
	.arrive = arrive, .next = next, .drain = drain, .catch_up = catch_up, .probability = probability, .reads_headers = true};
