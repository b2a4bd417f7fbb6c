/* See time_namespace.h. */
#include "io/time_namespace.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)

int64_t time_namespace_offset_ns(void)
{
	FILE *offsets = fopen("/proc/self/timens_offsets", "re");
	int64_t seconds = 0, nanoseconds = 0;

	if (!offsets) /* a kernel without time namespaces */
		return 0;
	if (fscanf(offsets, "monotonic %" SCNd64 " %" SCNd64, &seconds, &nanoseconds) != 2)
		seconds = nanoseconds = 0;
	fclose(offsets);
	return seconds * NS_PER_S + nanoseconds;
}
