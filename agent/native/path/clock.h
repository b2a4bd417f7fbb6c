/* The clocks of the packet path. Everything runs on CLOCK_MONOTONIC; the wall clock is read only to translate stamps. */
#ifndef PLCTL_CLOCK_H
#define PLCTL_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
