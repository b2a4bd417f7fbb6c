/*
 * What must hold, checked in builds for tests (-DPLCTL_CHECKED=1: make sanitize, make fuzz); elsewhere it costs nothing.
 *
 * Memory that we divide ourselves is one piece to AddressSanitizer, so free parts of it are forbidden by hand.
 */
#ifndef PLCTL_INVARIANT_H
#define PLCTL_INVARIANT_H

#ifdef PLCTL_CHECKED

#include <stdio.h>
#include <stdlib.h>

#define INVARIANT(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#else

#define INVARIANT(condition) ((void)sizeof(!(condition)))

#endif

#if defined(__SANITIZE_ADDRESS__)
#define PLCTL_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLCTL_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef PLCTL_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define FORBID(memory, bytes) ASAN_POISON_MEMORY_REGION(memory, bytes)
#define PERMIT(memory, bytes) ASAN_UNPOISON_MEMORY_REGION(memory, bytes)
#else
#define FORBID(memory, bytes) ((void)(memory), (void)(bytes))
#define PERMIT(memory, bytes) ((void)(memory), (void)(bytes))
#endif

#endif
