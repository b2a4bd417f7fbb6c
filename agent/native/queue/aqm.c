/* See aqm.h. */
#include "queue/aqm.h"

int64_t queue_rate(const struct queue *queue, const struct cursor *cursor)
{
	const struct schedule *schedule = queue->surroundings.schedule;
	bool first_cycle = cursor->cycle == queue->surroundings.t0;
	uint32_t row = cursor->row;

	for (uint32_t seen = 0; seen < schedule->count; seen++) {
		if (schedule->rows[row].rate_bps)
			return schedule->rows[row].rate_bps;
		if (row == 0 && first_cycle)
			break;
		row = row ? row - 1 : schedule->count - 1;
	}
	return 0;
}
