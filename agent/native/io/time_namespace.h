/* How this process' clocks are shifted against those of the kernel, which stamps with its own. */
#ifndef PLCTL_TIME_NAMESPACE_H
#define PLCTL_TIME_NAMESPACE_H

#include <stdint.h>

/* What CLOCK_MONOTONIC reads here less what it reads in the first time namespace, exactly; it never changes. */
int64_t time_namespace_offset_ns(void);

#endif
