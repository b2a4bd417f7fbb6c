/* Frames that others wrote, or that spent milliseconds inside, are in no cache of ours: fetches what is copied next. */
#ifndef PLCTL_PREFETCH_H
#define PLCTL_PREFETCH_H

#include <stdint.h>

#define PREFETCH_AHEAD 2 /* of this many frames on, while one is copied */

static inline void prefetch(const uint8_t *data, uint32_t length)
{
	const uint32_t line = 64, most = 2048; /* bytes; the hardware follows from there */

	for (uint32_t offset = 0; offset < length && offset < most; offset += line)
		__builtin_prefetch(data + offset);
}

#endif
