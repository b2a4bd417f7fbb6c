/*
 * When a thread that has a deadline should wake. The kernel wakes it late by some tens of microseconds, so it wakes by as
 * much earlier and spins the rest: as long as experience asks for, and as its allowance of CPU time lasts.
 */
#ifndef PLCTL_PACE_H
#define PLCTL_PACE_H

#include <stdbool.h>

#include "worker/allowance.h"

enum spin {
	SPIN_OFF,      /* sleep to the deadline itself */
	SPIN_ADAPTIVE, /* wake before it, by what the kernel is usually late, within the allowance */
	SPIN_BUSY,     /* never sleep */
};

struct pace {
	enum spin spin;
	int64_t margin_ns; /* later than this are fewer than 1 of 16 wake-ups */
	struct allowance spinning;
	int64_t received_ns; /* when the last frames were received */
	bool dense;          /* not alone for UNREAD_MOST_NS: others will follow */
	int64_t gather_ns;   /* until then more may gather; see pace_received() */
};

/*
 * For how long, from `now` on, what arrives may stay unread in its rings, so that the worker is not woken for every frame; 0:
 * it is read at once. `may_ns` is what the rings and the least delay of the links allow. No frame is later for that: what is
 * due is known before, and what arrives meanwhile is not due yet.
 */
int64_t pace_unread_ns(const struct pace *pace, int64_t may_ns, int64_t now);

void pace_init(struct pace *pace, enum spin spin, int64_t spin_share, int64_t now); /* share of ALLOWANCE_WHOLE */

/*
 * When to wake for what is to be done at `next`, by choice or, where that is past, at once. TIME_NEVER for TIME_NEVER. What may
 * also be done up to `slack_ns` before is done on waking: nobody spins for it.
 */
int64_t pace_wake_ns(struct pace *pace, int64_t next, int64_t slack_ns, int64_t now);

void pace_woke(struct pace *pace, int64_t late_ns); /* the kernel woke us so much after we asked */

/*
 * `frames` were received at `now`. If they are a flood, each pass would find one or two, and system calls would be most of
 * what they cost: so more of them may gather until gather_ns, which makes some later by as much.
 */
void pace_received(struct pace *pace, unsigned frames, int64_t now);

void pace_spun(struct pace *pace, int64_t ns); /* so much was spent waiting awake */

#endif
