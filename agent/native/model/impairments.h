/*
 * What the path behind the bottleneck does to frames at random, from T0 on: it loses them, corrupts them, sends them twice, and
 * delays them by more or less. Decided for the nth frame since then that ends service in a direction, by the row in force,
 * in this order: loss, corruption, duplication, jitter. Each draw is a function of the half's key, its purpose, and n
 * (draw.h): switching one thing on changes the fate of no frame in another. Probabilities are in parts per 10^9.
 */
#ifndef PLCTL_IMPAIRMENTS_H
#define PLCTL_IMPAIRMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/jitter.h"
#include "model/packet.h"
#include "model/schedule.h"

#define CERTAIN 1000000000 /* a probability of 1 */

enum loss_model {
	LOSS_BERNOULLI,       /* each frame by the row's probability */
	LOSS_BURST,           /* the row's probability, in bursts whose mean length is 10^9 / r */
	LOSS_GILBERT_ELLIOTT, /* two states; the row's probability has no say */
	LOSS_PATTERN,         /* by how many were lost in a row before */
	LOSS_LIST,            /* those that are listed */
};

/* The frames that end service as number first ... last, from 1. */
struct frames {
	uint64_t first;
	uint64_t last;
};

struct loss_config {
	enum loss_model model;
	uint32_t p;    /* from good to bad */
	uint32_t r;    /* from bad to good */
	uint32_t good; /* probability of loss in the good state */
	uint32_t bad;
	const uint32_t *pattern; /* after i losses in a row; the last one holds for more */
	size_t pattern_count;
	const struct frames *listed; /* ascending, apart */
	size_t listed_count;
};

struct impairments_config {
	struct loss_config loss;
	struct jitter_config jitter;
	bool reorder;              /* frames of one route may overtake each other by their jitter */
	int64_t duplicate_delay_ns; /* after which a copy follows */
};

/* The state of one direction. */
struct impairments {
	struct impairments_config config;
	struct jitter jitter;
	bool bad;       /* the state of LOSS_BURST and LOSS_GILBERT_ELLIOTT */
	uint64_t lost;  /* in a row, for LOSS_PATTERN */
	size_t listed;  /* how many of config.loss.listed are over */
};

/* What becomes of a frame; times are what is added to the row's delay. */
struct fate {
	bool lost;
	bool corrupt;
	uint32_t corruption; /* share / 2^32 of the way from the first bit behind the Ethernet header to the end */
	bool copied;
	int64_t jitter_ns;
	int64_t copy_jitter_ns;
};

/* Whether the config keeps its rules for rows like those of the schedule; if not, `why` (160 bytes are enough) says which. */
bool impairments_check(const struct impairments_config *config, const struct schedule *schedule, char *why, size_t size);

/* Copies the config with what it points to. NULL: no memory. */
struct impairments *impairments_new(const struct impairments_config *config);
void impairments_free(struct impairments *impairments); /* NULL is allowed */

/* `impairments`, which are new, go on from the state of those before them. */
void impairments_continue(struct impairments *impairments, const struct impairments *before);

/* The fate of the nth frame, from 0, whose service ends at `now` while `row` is in force; asked in order of n. */
struct fate impairments_decide(struct impairments *impairments, uint64_t key, uint64_t n, const struct row *row, int64_t now);

#endif
