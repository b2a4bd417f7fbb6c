/*
 * Jitter: what is added to a frame's delay at random, by a table of the inverse of its distribution, in integers alone.
 *
 * Correlated, the normal scores behind the draws are an autoregressive process of the first order, so that the
 * distribution stays what the table says. All fixed-point numbers have JITTER_BITS bits behind the point, shares and
 * correlations 32.
 */
#ifndef PLCTL_JITTER_H
#define PLCTL_JITTER_H

#include <stddef.h>
#include <stdint.h>

#define JITTER_BITS 20 /* 1 << JITTER_BITS is one deviation */
#define JITTER_TABLE_MOST 65536
#define JITTER_VALUE_MOST (1 << 29) /* of a table, either sign: products fit into 64 bits */

/* The values of a distribution at equal steps of its probability, ascending. */
struct table {
	const int32_t *values;
	size_t count; /* 2 ... JITTER_TABLE_MOST */
};

struct jitter_config {
	struct table distribution;  /* with mean 0 and deviation 1; no values: rows have no jitter */
	struct table normal;        /* that of the normal distribution; only used if anything is correlated */
	uint64_t correlation;       /* of frames that follow one another, 0 ... 1 << 32; 0: none */
	int64_t correlation_time_ns; /* 0: none; else it falls by a factor of e in so much time */
};

/* The process behind the draws of one direction. */
struct jitter {
	struct jitter_config config;
	int64_t score; /* of the last frame */
	int64_t at;    /* when its service ended */
	int begun;
};

/* The value of the table at the probability `share` / 2^32, on a line between its neighbours. */
int64_t table_at(const struct table *table, uint32_t share);

/* The deviations, in fixed point, by which the next frame is early or late, whose service ended at `now`. */
int64_t jitter_next(struct jitter *jitter, uint32_t share, int64_t now);

#endif
