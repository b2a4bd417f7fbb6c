/*
 * What the wall clock said when a frame arrived, as time on CLOCK_MONOTONIC: packet sockets know no other stamps.
 *
 * The kernel disciplines both clocks alike, so what lies between them is constant, to the nanosecond, until somebody sets
 * the wall clock. So every reading of both narrows it down, however late the reader was interrupted, and a reading that
 * no constant explains proves that the clock was set. Only then may a stamp mean two times, or none.
 */
#ifndef PLCTL_WALL_H
#define PLCTL_WALL_H

#include <stdbool.h>
#include <stdint.h>

struct wall {
	int64_t low; /* the wall clock less CLOCK_MONOTONIC lies between both; `low` is what stamps are translated with */
	int64_t high;
	int64_t before;       /* it, until the wall clock was last set ... */
	int64_t set_after_ns; /* ... which was between these two; both 0: it never was */
	int64_t set_by_ns;
	int64_t read_ns; /* not after the last reading */
};

void wall_init(struct wall *wall);

/* Reads both clocks, at `not_before` or later; returns CLOCK_MONOTONIC. To be called after stamps were read. */
int64_t wall_read(struct wall *wall, int64_t not_before);

/* What wall_read() does with a reading of `wall_ns` that was taken between two of CLOCK_MONOTONIC. */
void wall_learn(struct wall *wall, int64_t before_ns, int64_t wall_ns, int64_t after_ns);

/* When a frame arrived, and by how much that may be wrong: 0, unless the wall clock was set while the frame waited. */
struct wall_time {
	int64_t at_ns;
	int64_t doubt_ns;
};

/*
 * When a frame that was stamped `stamp_ns` and read by `latest_ns` arrived. The port was empty, or gave the frame before,
 * at `earliest_ns`: so this one arrived no earlier, but for the moment that a frame needs from its stamp into the ring.
 */
struct wall_time wall_arrival(const struct wall *wall, int64_t stamp_ns, int64_t earliest_ns, int64_t latest_ns);

#endif
