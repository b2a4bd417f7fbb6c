/*
 * A thread that forwards the frames of many links.
 *
 * It sleeps until a port has frames or until something is due, and spins as pace.h says. The other functions may be called
 * from any thread but the worker's: each hands the worker an order, waits until it is carried out, and returns 0 or an
 * errno. Orders cost the worker nothing while there are none.
 */
#ifndef PLCTL_WORKER_H
#define PLCTL_WORKER_H

#include "worker/heartbeat.h"
#include "path/lane.h"
#include "worker/pace.h"
#include "worker/priority.h"

struct worker;

struct worker_config {
	enum spin spin;
	int64_t spin_share; /* of one CPU, for SPIN_ADAPTIVE; see pace.h */
	struct priority_config priority;
};

/*
 * Its heart beats in `stats`, which is borrowed for its life. Fails if its thread cannot be had or cannot run on its CPU;
 * what else it did not get, its priority says.
 */
int worker_start(const struct worker_config *config, struct worker_stats *stats, struct worker **worker);
const struct priority *worker_priority(const struct worker *worker); /* of its errors and thread; the rest changes */
void worker_stop(struct worker *worker); /* ends the thread; its links are the caller's again */

int worker_add(struct worker *worker, struct link *link);    /* the worker's from now on, unless this fails */
int worker_remove(struct worker *worker, struct link *link); /* the caller's again */

/*
 * Arming, in two steps, so that the links of several workers are armed all or none. worker_reserve() fails with ENOMEM or
 * an error of link_can_arm(), and then has changed nothing. If it succeeds, worker_arm() cannot fail; until then, or until
 * worker_let_go(), which leaves the links as they were, none of them starts. The same links each time, and nobody else
 * reserves any of the worker's meanwhile.
 */
int worker_reserve(struct worker *worker, struct link *const *links, size_t count, int64_t t0);
int worker_arm(struct worker *worker, struct link *const *links, size_t count, int64_t t0);
int worker_let_go(struct worker *worker, struct link *const *links, size_t count, int64_t t0);

/* Gaps that are longer than this are recorded one by one (heartbeat.h), as long as the worker has links. */
int worker_watch(struct worker *worker, int64_t gap_ns);

struct note_terms {
	int64_t t0_ns;
	int64_t interval_ns;
};

/* From T0 on, which is still to come, notes what the links count every interval (grid.h). Or ETIME. */
int worker_note(struct worker *worker, struct link *const *links, size_t count, struct note_terms terms);

/* Frames that should have left a link by some time. */
struct overdue {
	int64_t packets;
	int64_t oldest_ns; /* since when the first of them was due; 0: there are none */
};

/* Reads what has arrived on the link, then counts what is overdue at `at`, which is past. */
int worker_settle(struct worker *worker, struct link *link, int64_t at, struct overdue *overdue);

/*
 * Both halves of the link go over to `changes` (half.h), up and down, at `at`: both, or none, with an error of
 * half_can_change(), or ETIME if `at` is not to come. Afterwards the changes hold what the link needs no more.
 */
int worker_change(struct worker *worker, struct link *link, struct half_change *const changes[2], int64_t at);

int worker_trigger(struct worker *worker, struct link *link, enum trigger trigger); /* EALREADY: it is armed */

#endif
