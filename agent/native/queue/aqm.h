/* Arithmetic that queueing disciplines share: probabilities in units of 2^-48, and timers in virtual time. */
#ifndef PLCTL_AQM_H
#define PLCTL_AQM_H

#include "model/draw.h"
#include "model/queue.h"

#define PROBABILITY_ONE (INT64_C(1) << 48)
#define MILLION 1000000

typedef __int128 wide;

/* The greatest integer that is not above a / b, for b > 0. */
static inline wide floor_divide(wide a, wide b)
{
	return a / b - (a % b < 0);
}

static inline int64_t probability_of_share(int64_t millionths)
{
	return (int64_t)((wide)millionths * PROBABILITY_ONE / MILLION);
}

static inline int64_t share_of_probability(int64_t probability)
{
	return (int64_t)((wide)probability * MILLION / PROBABILITY_ONE);
}

static inline int64_t probability_clamp(wide probability)
{
	return probability < 0 ? 0 : probability > PROBABILITY_ONE ? PROBABILITY_ONE : (int64_t)probability;
}

/*
 * By how much a controller's probability changes: alpha x (delay - target) + beta x (delay - delay at the last update), with
 * gains in millionths of a Hz and delays in ns, divided by `divisor` and rounded down.
 */
static inline wide pi_change(int64_t alpha, int64_t beta, int64_t delay, int64_t target, int64_t before, int64_t divisor)
{
	wide change = (wide)alpha * (delay - target) + (wide)beta * (delay - before);

	return floor_divide(change * PROBABILITY_ONE, (wide)MILLION * NS_PER_S * divisor);
}

/* Whether what was drawn for the frame falls below the probability: the first draw (0), or another (1). */
static inline bool draw_below(const struct queue *queue, const struct packet *packet, int which, int64_t probability)
{
	struct draw drawn = draw(queue->surroundings.key, PURPOSE_QUEUE, packet->serial);
	uint64_t uniform = (uint64_t)drawn.words[which * 2] << 16 | drawn.words[which * 2 + 1] >> 16;

	return uniform < (uint64_t)probability;
}

/*
 * The first tick later than `told` of a timer that ticks at T0 + k x period for every whole k; while T0 is not known, at
 * k x period. TIME_NEVER: none.
 */
static inline int64_t next_tick(const struct queue *queue, int64_t told, int64_t period)
{
	int64_t phase = queue->surroundings.t0 == TIME_NEVER ? 0 : queue->surroundings.t0 % period;
	int64_t since = told % period - phase;

	return time_after(told, since < 0 ? -since : period - since);
}

/* The cursor of the row in force at t. */
static inline struct cursor queue_cursor(const struct queue *queue, int64_t t)
{
	struct cursor cursor = schedule_begin(queue->surroundings.t0);

	schedule_seek(queue->surroundings.schedule, &cursor, t);
	return cursor;
}

/* The rate of the row at the cursor, or of the last before it that was not 0; 0 if there was none. */
int64_t queue_rate(const struct queue *queue, const struct cursor *cursor);

#endif
