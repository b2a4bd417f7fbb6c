/* See grid.h. */
#include "path/grid.h"

#include <string.h>

static const struct range nothing = {.min = UINT64_MAX};

void grid_init(struct grid *grid)
{
	*grid = (struct grid){.next_ns = TIME_NEVER, .lateness = nothing, .transit = nothing};
}

void grid_start(struct grid *grid, const struct grid_terms *terms, const uint64_t counters[COUNTERS])
{
	grid->terms = *terms;
	grid->next_ns = grid->from_ns = terms->t0_ns;
	grid->quiet_ns = terms->t0_ns + terms->first_quiet_ns;
	grid->at_rest = true;
	memcpy(grid->noted, counters, sizeof(grid->noted));
}

static void extend(struct range *range, int64_t ns)
{
	uint64_t value = ns < 0 ? 0 : ns;

	if (value < range->min)
		range->min = value;
	if (value > range->max)
		range->max = value;
}

void grid_count_lateness(struct grid *grid, struct half_stats *stats, int64_t ns)
{
	histogram_count(&stats->lateness, ns);
	extend(&grid->lateness, ns);
}

void grid_count_transit(struct grid *grid, struct half_stats *stats, int64_t ns)
{
	histogram_count(&stats->transit, ns);
	extend(&grid->transit, ns);
}

/* The row in force, which comes last, changes also where nothing happens. */
static bool has_changed(const struct grid *grid, const uint64_t counters[COUNTERS])
{
	return memcmp(grid->noted, counters, ROW * sizeof(*counters));
}

int64_t grid_deadline(const struct grid *grid, const uint64_t counters[COUNTERS])
{
	if (grid->next_ns == TIME_NEVER)
		return TIME_NEVER;
	if (!grid->at_rest || counters[QUEUE_PACKETS] || has_changed(grid, counters))
		return grid->next_ns + grid->terms.delay_ns;
	return grid->quiet_ns + grid->terms.delay_ns;
}

/* Figures */

/* What a histogram has counted since the last snapshot. */
struct recent {
	const uint64_t *buckets;
	const uint64_t *noted;
	struct range range;
	uint64_t count;
};

static uint64_t count_in(const struct recent *recent, unsigned bucket)
{
	return recent->buckets[bucket] - recent->noted[bucket];
}

static struct recent look(const struct histogram *histogram, const uint64_t *noted, struct range range)
{
	struct recent recent = {.buckets = histogram->buckets, .noted = noted, .range = range};

	if (range.min <= range.max)
		for (unsigned i = histogram_bucket(range.min); i <= histogram_bucket(range.max); i++)
			recent.count += count_in(&recent, i);
	return recent;
}

/* As percentile() of plctl.common.telemetry.histogram. */
static int64_t percentile(const struct recent *recent, unsigned p)
{
	uint64_t rank = (recent->count * p + 99) / 100, seen = 0, middle;
	unsigned bucket = histogram_bucket(recent->range.min);

	while ((seen += count_in(recent, bucket)) < rank)
		bucket++;
	middle = histogram_middle(bucket);
	if (middle < recent->range.min)
		return recent->range.min;
	return middle > recent->range.max ? recent->range.max : middle;
}

static void set_figures(int64_t *figures, const struct recent *lateness, const struct recent *transit)
{
	for (int i = 0; i < FIGURES; i++)
		figures[i] = -1;
	if (lateness->count) {
		figures[LATENESS_P50_NS] = percentile(lateness, 50);
		figures[LATENESS_P99_NS] = percentile(lateness, 99);
		figures[LATENESS_MAX_NS] = lateness->range.max;
	}
	if (transit->count) {
		figures[TRANSIT_MIN_NS] = transit->range.min;
		figures[TRANSIT_P50_NS] = percentile(transit, 50);
		figures[TRANSIT_P99_NS] = percentile(transit, 99);
		figures[TRANSIT_MAX_NS] = transit->range.max;
	}
}

static void note_histogram(const struct histogram *histogram, uint64_t *noted, struct range *range)
{
	if (range->min <= range->max) {
		unsigned first = histogram_bucket(range->min), last = histogram_bucket(range->max);

		memcpy(noted + first, histogram->buckets + first, (last - first + 1) * sizeof(*noted));
	}
	*range = nothing;
}

/* Notes */

static bool put(struct grid *grid, struct half_stats *stats, const uint64_t counters[COUNTERS], int64_t at)
{
	struct recent lateness = look(&stats->lateness, stats->lateness_noted, grid->lateness);
	struct recent transit = look(&stats->transit, stats->transit_noted, grid->transit);
	struct snapshot snapshot = {.at_ns = at, .from_ns = grid->from_ns};

	memcpy(snapshot.counters, counters, sizeof(snapshot.counters));
	set_figures(snapshot.figures, &lateness, &transit);
	if (!snapshot_put(stats, &snapshot))
		return false;
	memcpy(grid->noted, counters, sizeof(grid->noted));
	note_histogram(&stats->lateness, stats->lateness_noted, &grid->lateness);
	note_histogram(&stats->transit, stats->transit_noted, &grid->transit);
	return true;
}

void grid_note(struct grid *grid, struct half_stats *stats, const uint64_t counters[COUNTERS])
{
	int64_t at = grid->next_ns;
	bool changed = has_changed(grid, counters);

	if (changed || !grid->at_rest || at >= grid->quiet_ns) {
		if (put(grid, stats, counters, at)) {
			grid->from_ns = at;
			grid->at_rest = !changed;
		}
		grid->quiet_ns = at + grid->terms.quiet_ns;
	} else {
		grid->from_ns = at;
	}
	grid->next_ns = at + grid->terms.interval_ns;
}

void grid_skip(struct grid *grid, const uint64_t counters[COUNTERS], int64_t t)
{
	int64_t whole = (t - 1 - grid->next_ns) / grid->terms.interval_ns * grid->terms.interval_ns;

	if (whole <= 0 || has_changed(grid, counters))
		return;
	grid->next_ns += whole;
	if (grid->at_rest) /* else the first time at rest is told with the rest of it */
		grid->from_ns = grid->next_ns - grid->terms.interval_ns;
}
