/* See capacity.h. */
#include "model/capacity.h"

#define FULL_FRAMES_MIN 10 /* a BDP capacity holds at least this many */
#define BDP_DIVISOR (UINT64_C(8) * NS_PER_S * 1000000) /* bits x ns x millionths in a byte x s */

/* floor(rate x 2 x delay x millionths), at most INT64_MAX, at least ten full frames. */
static int64_t bdp_bytes(const struct half_config *config, const struct row *row)
{
	work round_trip = (work)row->rate_bps * (uint64_t)row->delay_ns * 2;
	work bytes = INT64_MAX;

	if (config->capacity_amount == 0 || round_trip <= ~(work)0 / (uint64_t)config->capacity_amount)
		bytes = round_trip * (uint64_t)config->capacity_amount / BDP_DIVISOR;
	if (bytes < (work)config->full_frame * FULL_FRAMES_MIN)
		bytes = (work)config->full_frame * FULL_FRAMES_MIN;
	return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

struct room capacity_room(const struct half_config *config, const struct row *row)
{
	if (row->queue_bytes >= 0)
		return (struct room){.amount = row->queue_bytes};
	switch (config->capacity_unit) {
	case CAPACITY_BYTES:
		break;
	case CAPACITY_PACKETS:
		return (struct room){.packets = true, .amount = config->capacity_amount};
	case CAPACITY_BDP:
		if (row->rate_bps == RATE_UNLIMITED)
			return (struct room){.amount = INT64_MAX};
		return (struct room){.amount = bdp_bytes(config, row)};
	}
	return (struct room){.amount = config->capacity_amount};
}
