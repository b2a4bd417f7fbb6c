/*
 * What a link's halves have seen since the link was added, and how each worker's heart beats, in memory shared with the
 * agent: one writer, many readers. Snapshots go through a ring, which one reader empties.
 *
 * The counters and gauges of a half change together (a sequence number tells a reader that it read across a change), so
 * counters_unaccounted() is 0 in every snapshot; plctl.common.telemetry.counters declares what there is to count.
 * Histograms are plain 64-bit stores that a reader may see some frames ahead of or behind the counters. All times are
 * CLOCK_MONOTONIC.
 */
#ifndef PLCTL_STATS_H
#define PLCTL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/counters.h"

#define HISTOGRAM_BUCKETS 544
#define WORKERS_MAX 64
#define SLOTS_MAX 65536
#define GAPS_KEPT 64 /* of each worker */
#define SNAPSHOTS 16 /* of each half: for as many intervals the agent may be away */

struct histogram {
	uint64_t min; /* UINT64_MAX while empty */
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Of the frames that left in an interval; -1 where there were none. In the order of the last columns of a sample. */
enum figure {
	LATENESS_P50_NS, /* of those that were lost_late, too */
	LATENESS_P99_NS,
	LATENESS_MAX_NS,
	TRANSIT_MIN_NS,
	TRANSIT_P50_NS,
	TRANSIT_P99_NS,
	TRANSIT_MAX_NS,
	FIGURES
};

/* What a half had counted at an instant of its grid, in virtual time: see path/grid.h. */
struct snapshot {
	int64_t at_ns;
	int64_t from_ns; /* what was counted since the snapshot before was counted from then on */
	uint64_t counters[COUNTERS];
	int64_t figures[FIGURES]; /* since then */
};

struct half_stats {
	uint64_t sequence; /* odd while the counters change */
	uint64_t counters[COUNTERS];
	uint64_t noted; /* snapshots put into the ring, number n at n % SNAPSHOTS ... */
	uint64_t taken; /* ... and taken out of it by the agent: its own word */
	struct histogram lateness;
	struct histogram transit;
	/* From here on no memory is used before there is a snapshot; what an earlier link left does no harm. */
	struct snapshot snapshots[SNAPSHOTS];
	uint64_t lateness_noted[HISTOGRAM_BUCKETS]; /* the buckets as of the last snapshot */
	uint64_t transit_noted[HISTOGRAM_BUCKETS];
};

struct link_stats {
	int64_t t0_ns;
	int64_t started_ns;
	uint64_t worker; /* which serves the link */
	struct half_stats halves[2];
};

/* A time in which a worker did nothing although it should have: see heartbeat.h. */
struct gap {
	int64_t begin_ns;
	int64_t length_ns;
};

struct worker_stats {
	uint64_t passes;   /* of its loop, begun so far */
	int64_t pass_ns;   /* when the last one began; 0: there is no such worker */
	int64_t until_ns;  /* it sleeps until then at the latest, unless that is before pass_ns */
	uint64_t gap_count; /* of those that were recorded; the last GAPS_KEPT are in `recorded`, gap n at n % GAPS_KEPT */
	struct gap recorded[GAPS_KEPT];
	struct histogram gaps; /* one for each pass */
};

/* The whole of the memory; as many links as the forwarder has slots. */
struct shared_stats {
	struct worker_stats workers[WORKERS_MAX];
	struct link_stats links[];
};

static inline size_t stats_bytes(size_t slots)
{
	return sizeof(struct shared_stats) + slots * sizeof(struct link_stats);
}

/*
 * Below 16 ns a bucket for each nanosecond, then 16 to each doubling, up to 2^37 ns; the last bucket also takes what
 * lies above. The middle of a bucket is within 1/32 of all it counts.
 */
static inline unsigned histogram_bucket(uint64_t ns)
{
	unsigned octave;

	if (ns < 16)
		return ns;
	if (ns >= UINT64_C(1) << 37)
		return HISTOGRAM_BUCKETS - 1;
	octave = 63 - __builtin_clzll(ns) - 4;
	return (octave + 1) * 16 + ((ns >> octave) & 15);
}

/* The middle of what a bucket counts. */
static inline uint64_t histogram_middle(unsigned bucket)
{
	unsigned octave;

	if (bucket < 16)
		return bucket;
	octave = (bucket - 16) / 16;
	return ((uint64_t)(16 + (bucket - 16) % 16) << octave) + ((UINT64_C(1) << octave) - 1) / 2;
}

void histogram_count(struct histogram *histogram, int64_t ns);

void stats_reset(struct link_stats *stats);
void stats_publish(struct half_stats *stats, const uint64_t counters[COUNTERS]); /* the single writer */

/* A consistent copy of the counters; false after many tries against a writer that never rests. */
int stats_read_counters(const struct half_stats *stats, uint64_t counters[COUNTERS]);
uint64_t stats_load(const uint64_t *value);

/* The single writer: puts it into the ring; false if that is full. */
bool snapshot_put(struct half_stats *stats, const struct snapshot *snapshot);
/* The one reader: takes the next out of it; false if there is none. */
bool snapshot_take(struct half_stats *stats, struct snapshot *snapshot);

static inline void stats_store(uint64_t *at, uint64_t value) /* the single writer */
{
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
}

/* The single writer's. */
void worker_stats_reset(struct worker_stats *stats);
void worker_stats_record(struct worker_stats *stats, struct gap gap);

/* The last gaps that were recorded, oldest first, into gaps[0 ... GAPS_KEPT); how many. *count: of all that ever were. */
unsigned worker_stats_read_gaps(const struct worker_stats *stats, struct gap *gaps, uint64_t *count);

#endif
