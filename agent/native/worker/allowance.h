/*
 * Time that may be spent on something, as a share of all time: a bucket that fills while the clock runs and holds no more
 * than `burst`. In any interval of length t no more than   burst + share * t   is spent, if spending stops at empty.
 */
#ifndef PLCTL_ALLOWANCE_H
#define PLCTL_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#define ALLOWANCE_WHOLE 1000000 /* the share that is all time */
#define ALLOWANCE_DEBT_NS (INT64_MAX / ALLOWANCE_WHOLE / 4) /* no more is owed, so that numbers suffice: 38 minutes */

struct allowance {
	int64_t share; /* in millionths of all time; ALLOWANCE_WHOLE or more: never empty */
	int64_t burst; /* ns */
	int64_t left;  /* millionths of ns, so that short waits count exactly; below 0: overdrawn */
	int64_t at_ns; /* as of then */
};

static inline void allowance_init(struct allowance *allowance, int64_t share, int64_t burst_ns, int64_t now)
{
	*allowance = (struct allowance){share, burst_ns, burst_ns * ALLOWANCE_WHOLE, now};
}

/* What is left at `now`, in ns. */
static inline int64_t allowance_left(struct allowance *allowance, int64_t now)
{
	int64_t full = allowance->burst * ALLOWANCE_WHOLE, passed = now - allowance->at_ns;

	if (allowance->share >= ALLOWANCE_WHOLE ||
	    (allowance->share > 0 && passed > (full - allowance->left) / allowance->share))
		allowance->left = full;
	else
		allowance->left += passed * allowance->share;
	allowance->at_ns = now;
	return allowance->left / ALLOWANCE_WHOLE;
}

static inline void allowance_spend(struct allowance *allowance, int64_t ns)
{
	const int64_t least = -ALLOWANCE_DEBT_NS * ALLOWANCE_WHOLE;

	allowance->left -= (ns < ALLOWANCE_DEBT_NS ? ns : ALLOWANCE_DEBT_NS) * ALLOWANCE_WHOLE;
	if (allowance->left < least)
		allowance->left = least;
}

#endif
