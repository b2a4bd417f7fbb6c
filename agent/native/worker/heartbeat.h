/*
 * Shows in shared memory that a worker lives: how often it has passed through its loop, when last, until when it means to
 * sleep, and how long it did nothing although it should have.
 *
 * That is a gap: a pass that takes long, for nothing else is done meanwhile, or a sleep that lasts longer than it was meant
 * to. A worker with nothing to do sleeps for BEAT_NS at most, so that it is heard; if it comes back from that late, by no
 * more than BEAT_SLACK_NS, nobody was kept waiting, and that is no gap.
 */
#ifndef PLCTL_HEARTBEAT_H
#define PLCTL_HEARTBEAT_H

#include "model/half.h"
#include "shared/stats.h"

#define BEAT_NS INT64_C(100000000)
#define BEAT_SLACK_NS INT64_C(100000000)

struct heartbeat {
	struct worker_stats *stats;
	int64_t record_ns; /* longer gaps are recorded one by one */
	struct gap gap;    /* the pass that is over */
	int64_t until_ns;  /* when the next one ought to begin ... */
	int64_t slack_ns;  /* ... or so much later */
};

void heartbeat_init(struct heartbeat *heartbeat, struct worker_stats *stats, int64_t now); /* resets the stats */

/* A pass is over at `now`; the next ought to begin at `until`, or `slack` later. */
void heartbeat_rest(struct heartbeat *heartbeat, int64_t now, int64_t until, int64_t slack);
void heartbeat_pass(struct heartbeat *heartbeat, int64_t now); /* it begins */

#endif
