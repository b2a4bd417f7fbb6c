/* The configuration of a half that an input chooses: schedule, capacity, discipline with its parameters, impairments. */
#ifndef PLCTL_CHOSEN_HALF_H
#define PLCTL_CHOSEN_HALF_H

#include "harness.h"
#include "model/half.h"

/*
 * What the first byte chooses: one of a few disciplines and parameters. If the last byte is 0xa0 to 0xbf, the bytes before
 * it, which are taken off the input, choose everything else, too: else the capacity is 600 packets, and the path does
 * nothing to frames. The caller releases config->schedule once the halves hold it.
 */
void choose_half(struct half_config *config, unsigned choice, struct input *input);

#endif
