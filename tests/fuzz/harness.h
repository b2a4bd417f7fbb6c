/* What the targets of the frame path share: the input, the clock that it moves, and how far frames are apart. */
#ifndef PLCTL_HARNESS_H
#define PLCTL_HARNESS_H

#include <stdint.h>

#include "io/port.h"
#include "require.h"

#define FAKE_MTU 1500
#define FAKE_LONGEST (FAKE_MTU + PORT_ETHERNET_HEAD + 2 * PORT_VLAN_TAG)

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

/* The next bytes as a number; what an input lacks is 0. */
static inline uint32_t take(struct input *input, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes-- && input->at < input->end)
		value = value << 8 | *input->at++;
	return value;
}

extern int64_t now_ns; /* all clocks of the product */

unsigned bits_apart(const uint8_t *a, const uint8_t *b, uint32_t length);

#endif
