/* See heartbeat.h. */
#include "worker/heartbeat.h"

void heartbeat_init(struct heartbeat *heartbeat, struct worker_stats *stats, int64_t now)
{
	*heartbeat = (struct heartbeat){.stats = stats, .record_ns = TIME_NEVER, .until_ns = now};
	worker_stats_reset(stats);
	stats_store((uint64_t *)&stats->pass_ns, now);
}

void heartbeat_rest(struct heartbeat *heartbeat, int64_t now, int64_t until, int64_t slack)
{
	int64_t begin = heartbeat->stats->pass_ns;

	heartbeat->gap = (struct gap){.begin_ns = begin, .length_ns = now - begin};
	heartbeat->until_ns = until;
	heartbeat->slack_ns = slack;
	if (until > now)
		stats_store((uint64_t *)&heartbeat->stats->until_ns, until);
}

void heartbeat_pass(struct heartbeat *heartbeat, int64_t now)
{
	struct worker_stats *stats = heartbeat->stats;
	int64_t late = now - heartbeat->until_ns;

	if (late > heartbeat->slack_ns && late > heartbeat->gap.length_ns)
		heartbeat->gap = (struct gap){.begin_ns = heartbeat->until_ns, .length_ns = late};
	histogram_count(&stats->gaps, heartbeat->gap.length_ns);
	if (heartbeat->gap.length_ns > heartbeat->record_ns)
		worker_stats_record(stats, heartbeat->gap);
	stats_store((uint64_t *)&stats->pass_ns, now);
	stats_store(&stats->passes, stats->passes + 1);
}
