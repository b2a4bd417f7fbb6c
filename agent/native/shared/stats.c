/* See stats.h. Every access to a shared word is atomic, so that neither side ever sees half a number. */
#include "shared/stats.h"

#include <sched.h>
#include <string.h>

#define READ_ATTEMPTS 1000

uint64_t stats_load(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

void histogram_count(struct histogram *histogram, int64_t ns)
{
	uint64_t value = ns < 0 ? 0 : ns;
	uint64_t *bucket = &histogram->buckets[histogram_bucket(value)];

	if (value < histogram->min)
		stats_store(&histogram->min, value);
	if (value > histogram->max)
		stats_store(&histogram->max, value);
	__atomic_store_n(bucket, *bucket + 1, __ATOMIC_RELEASE); /* who sees it counted sees the extremes */
}

static void reset_half(struct half_stats *stats)
{
	if (stats->noted) {
		memset(stats->lateness_noted, 0, sizeof(stats->lateness_noted));
		memset(stats->transit_noted, 0, sizeof(stats->transit_noted));
	}
	memset(stats, 0, offsetof(struct half_stats, snapshots));
	stats->lateness.min = UINT64_MAX;
	stats->transit.min = UINT64_MAX;
}

void stats_reset(struct link_stats *stats)
{
	memset(stats, 0, offsetof(struct link_stats, halves));
	for (int i = 0; i < 2; i++)
		reset_half(&stats->halves[i]);
}

bool snapshot_put(struct half_stats *stats, const struct snapshot *snapshot)
{
	uint64_t noted = stats->noted;

	if (noted - stats_load(&stats->taken) >= SNAPSHOTS)
		return false;
	stats->snapshots[noted % SNAPSHOTS] = *snapshot;
	__atomic_store_n(&stats->noted, noted + 1, __ATOMIC_RELEASE);
	return true;
}

bool snapshot_take(struct half_stats *stats, struct snapshot *snapshot)
{
	uint64_t taken = stats->taken;

	if (taken == stats_load(&stats->noted))
		return false;
	*snapshot = stats->snapshots[taken % SNAPSHOTS];
	__atomic_store_n(&stats->taken, taken + 1, __ATOMIC_RELEASE);
	return true;
}

void stats_publish(struct half_stats *stats, const uint64_t counters[COUNTERS])
{
	uint64_t sequence = stats->sequence;

	stats_store(&stats->sequence, sequence + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (int i = 0; i < COUNTERS; i++)
		stats_store(&stats->counters[i], counters[i]);
	__atomic_store_n(&stats->sequence, sequence + 2, __ATOMIC_RELEASE);
}

int stats_read_counters(const struct half_stats *stats, uint64_t counters[COUNTERS])
{
	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		uint64_t before = __atomic_load_n(&stats->sequence, __ATOMIC_ACQUIRE);

		for (int i = 0; i < COUNTERS; i++)
			counters[i] = stats_load(&stats->counters[i]);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && before == stats_load(&stats->sequence))
			return 1;
		sched_yield(); /* the writer may have been interrupted half-way */
	}
	return 0;
}

void worker_stats_reset(struct worker_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->gaps.min = UINT64_MAX;
}

void worker_stats_record(struct worker_stats *stats, struct gap gap)
{
	struct gap *at = &stats->recorded[stats->gap_count % GAPS_KEPT];

	stats_store((uint64_t *)&at->begin_ns, gap.begin_ns);
	stats_store((uint64_t *)&at->length_ns, gap.length_ns);
	__atomic_store_n(&stats->gap_count, stats->gap_count + 1, __ATOMIC_RELEASE);
}

unsigned worker_stats_read_gaps(const struct worker_stats *stats, struct gap *gaps, uint64_t *count)
{
	uint64_t end = stats_load(&stats->gap_count), first = end > GAPS_KEPT ? end - GAPS_KEPT : 0, safe;

	for (uint64_t n = first; n < end; n++) {
		const struct gap *at = &stats->recorded[n % GAPS_KEPT];

		gaps[n - first].begin_ns = stats_load((const uint64_t *)&at->begin_ns);
		gaps[n - first].length_ns = stats_load((const uint64_t *)&at->length_ns);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	safe = stats_load(&stats->gap_count) + 1; /* the next may be half written: what it takes the place of is not safe */
	safe = safe > GAPS_KEPT ? safe - GAPS_KEPT : 0;
	*count = end;
	if (safe <= first)
		return end - first;
	if (safe >= end)
		return 0;
	memmove(gaps, gaps + (safe - first), (end - safe) * sizeof(*gaps));
	return end - safe;
}
