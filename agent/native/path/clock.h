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

/*
 * What to subtract from a wall-clock stamp to get CLOCK_MONOTONIC. The wall is read first, so that an interruption in
 * between can only make a stamp seem later, never earlier than it was.
 */
static inline int64_t wall_offset_ns(void)
{
	int64_t wall = clock_ns(CLOCK_REALTIME);

	return wall - monotonic_ns();
}

#endif
