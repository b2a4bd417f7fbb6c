/*
 * Service by delivery opportunities, in place of a rate: at each instant of a trace so many bytes may leave. A frame may need
 * several, several frames may share one, and what no frame uses that waits at that instant is lost.
 *
 * The trace starts at T0, and again after its period: an instant i of cycle c is at T0 + c x period + i. Before T0, or while
 * that is not known, it runs as if T0 were virtual time 0; so no T0 to come changes what has happened.
 *
 * Ten hours have tens of millions of instants, so they stay as they came, a byte each or few: the gaps between them. Marks
 * among these lead to any instant in few steps.
 */
#ifndef PLCTL_OPPORTUNITIES_H
#define PLCTL_OPPORTUNITIES_H

#include "model/schedule.h"

#define OPPORTUNITY_HEADER 14 /* bytes of a frame that opportunities do not carry: its Ethernet header */

/* An opportunity, and what is left of it. Zeros: none. */
struct opportunity {
	int64_t time;  /* 0: none */
	bool scenario; /* it counts from T0, not from 0 */
	work number;   /* from 0, over all cycles */
	int64_t left;  /* bytes */
};

/* Whether gaps, length, unit_ns, period_ns and bytes make a trace, whose instants it counts; if not, `why` says which rule they break. */
bool opportunities_check(struct opportunities *opportunities, char *why, size_t size);

bool opportunities_index(struct opportunities *opportunities); /* makes the marks of what was checked; false: no memory */
/* Whether two traces that were checked have as many instants of the same worth in the same time; instants are not compared. */
bool opportunities_alike(const struct opportunities *a, const struct opportunities *b);

void opportunities_end(struct opportunities *opportunities);   /* frees gaps and marks */

/*
 * When a service of `length` bytes ends that starts at `start`; TIME_NEVER if it does not. `waited`: the frame came before, so
 * that it may use what is left at that very instant. `last` is the opportunity that the service before used last; it becomes
 * that of this one.
 */
int64_t opportunities_service_end(const struct opportunities *opportunities, int64_t t0, int64_t start, bool waited,
	uint32_t length, struct opportunity *last);

#endif
