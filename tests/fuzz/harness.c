#include "harness.h"

#include <time.h>

#include "path/clock.h"

int64_t now_ns;

int fuzz_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	time->tv_sec = now_ns / NS_PER_S;
	time->tv_nsec = now_ns % NS_PER_S;
	return 0;
}

unsigned bits_apart(const uint8_t *a, const uint8_t *b, uint32_t length)
{
	unsigned bits = 0;

	for (uint32_t i = 0; i < length; i++)
		bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return bits;
}
