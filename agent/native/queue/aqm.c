/* See aqm.h. */
#include "queue/aqm.h"

int64_t queue_rate(const struct queue *queue, const struct cursor *cursor)
{
	const struct schedule *schedule = queue->surroundings.schedule;
	bool again = cursor->cycle != queue->surroundings.t0; /* there is a cycle before, with all rows from loop_row on */
	uint32_t row = cursor->row;

	for (;;) {
		if (schedule->rows[row].rate_bps)
			return schedule->rows[row].rate_bps;
		if (row == schedule->loop_row && again) {
			row = schedule->count - 1;
			again = false;
		} else if (row-- == 0) {
			return 0;
		}
	}
}
