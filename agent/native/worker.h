/*
 * A thread that forwards the frames of many links.
 *
 * It sleeps until a port has frames or, in time for the kernel's lateness in waking it, until shortly before something is
 * due; the rest it spins. The other functions may be called from any thread but the worker's: each hands the worker an
 * order, waits until it is carried out, and returns 0 or an errno. Orders cost the worker nothing while there are none.
 */
#ifndef PLCTL_WORKER_H
#define PLCTL_WORKER_H

#include "lane.h"

struct worker;

int worker_start(struct worker **worker);
void worker_stop(struct worker *worker); /* ends the thread; its links are the caller's again */

int worker_add(struct worker *worker, struct link *link);    /* the worker's from now on, unless this fails */
int worker_remove(struct worker *worker, struct link *link); /* the caller's again */

/* All at once, and all of them or none. ENOMEM, or an error of link_can_arm(). */
int worker_arm(struct worker *worker, struct link *const *links, size_t count, int64_t t0);
int worker_trigger(struct worker *worker, struct link *link, enum trigger trigger); /* EALREADY: it is armed */

#endif
