/*
 * Notes what a lane has counted at the instants of a grid, T0 + k x interval, in virtual time: so that what is told of an
 * interval is what the model did in it, however late the machine was, and whenever somebody looks.
 *
 * A frame counts as arrived, dropped or lost when it arrived; as served when its service ended; as delivered when it was
 * due, and its lateness, which is the machine's, with it. What happens at the instant itself belongs to the interval that
 * ends there. So no interval has served more than the integral of the rate over it and the part of one frame that was
 * served before. What is delivered comes in the order of the due times, and may come all at once where a delay shrinks.
 *
 * A snapshot of an instant is final: it is noted when virtual time passes the instant, after all that is due by then has
 * been sent. Where nothing has changed since the last two there is none, but for one every `quiet` (the row in force
 * changes all the same). If the reader has left no room for one, what it would have told goes into the next one there is
 * room for, whose interval is as much longer.
 */
#ifndef PLCTL_GRID_H
#define PLCTL_GRID_H

#include "model/half.h"
#include "shared/stats.h"

/* The least and the greatest that a histogram has counted since the last snapshot. */
struct range {
	uint64_t min;
	uint64_t max;
};

/* When notes are made; lanes of one worker are given other delays and first quiet times, so that they do not come at once. */
struct grid_terms {
	int64_t t0_ns; /* still to come */
	int64_t interval_ns;
	int64_t delay_ns; /* after an instant, until it is noted if time does not pass it before */
	int64_t quiet_ns; /* a whole number of intervals */
	int64_t first_quiet_ns;
};

struct grid {
	struct grid_terms terms;
	int64_t next_ns;  /* the next instant; TIME_NEVER: there is none */
	int64_t from_ns;  /* since when what is not noted yet has been counted */
	int64_t quiet_ns; /* when a snapshot is made, though nothing has changed */
	bool at_rest;     /* nothing had changed at the last one */
	uint64_t noted[COUNTERS];
	struct range lateness;
	struct range transit;
};

void grid_init(struct grid *grid); /* no instants yet; times are counted all the same */

/* What is counted until T0 is in a snapshot of T0. */
void grid_start(struct grid *grid, const struct grid_terms *terms, const uint64_t counters[COUNTERS]);

/* Into the histogram, and into the figures of the next snapshot. */
void grid_count_lateness(struct grid *grid, struct half_stats *stats, int64_t ns);
void grid_count_transit(struct grid *grid, struct half_stats *stats, int64_t ns);

/* When the lane is to come by, if nothing brings it before; as far as is known now. */
int64_t grid_deadline(const struct grid *grid, const uint64_t counters[COUNTERS]);

/* Notes what was counted until the next instant, and goes on to the one after it. */
void grid_note(struct grid *grid, struct half_stats *stats, const uint64_t counters[COUNTERS]);

/* Goes on to the last instant before t, if nothing has changed and nothing can have happened since the last one. */
void grid_skip(struct grid *grid, const uint64_t counters[COUNTERS], int64_t t);

#endif
