/*
 * Service by delivery opportunities, in place of a rate: at each instant of a trace so many bytes may leave. A frame may need
 * several, several frames may share one, and what no frame uses that waits at that instant is lost.
 *
 * The trace starts at T0, and again whenever its last instant has come: instant i of cycle c is at T0 + c x last + i. Before
 * T0, or while that is not known, it runs as if T0 were virtual time 0; so no T0 to come changes what has happened.
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

/*
 * When a service of `length` bytes ends that starts at `start`; TIME_NEVER if it does not. `waited`: the frame came before, so
 * that it may use what is left at that very instant. `last` is the opportunity that the service before used last; it becomes
 * that of this one.
 */
int64_t opportunities_service_end(const struct opportunities *opportunities, int64_t t0, int64_t start, bool waited,
	uint32_t length, struct opportunity *last);

#endif
