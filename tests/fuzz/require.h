/* What must hold whatever the input is: where it does not, the run ends with the place. */
#ifndef PLCTL_REQUIRE_H
#define PLCTL_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif
