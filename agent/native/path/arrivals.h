/*
 * What lies in the ports of a lane, in the order of arrival, and until when that order is known.
 *
 * A batch that is full may leave frames in its ring: of what arrived after its last frame nothing is known yet, whatever
 * the clock says. A lane may have two ports, and a link whose first frame starts both of its lanes has up to four: their
 * frames are merged by time of arrival, and a frame waits in its ring until no port can hold an earlier one.
 */
#ifndef PLCTL_ARRIVALS_H
#define PLCTL_ARRIVALS_H

#include "io/port.h"
#include "path/wall.h"

#define SOURCES_MAX 4

struct lane;

/* A port, and a batch of what it holds. */
struct source {
	struct lane *lane;
	struct port *port;
	unsigned count;
	unsigned taken;
	struct arrival batch[PORT_BATCH];
};

struct arrivals {
	int64_t known_ns; /* all that arrived until then is in the batches, or was read before; not after `now` */
	int64_t limit_ns; /* what arrived after that is not to be taken yet */
	int64_t read_ns;  /* the clock, after reading */
	unsigned count;
	struct source sources[SOURCES_MAX];
};

/* The lane's port, and its strays; arrivals->count is 0 before the first. */
void arrivals_add(struct arrivals *arrivals, struct lane *lane, struct port *port);

/* Reads a batch from each port; `now` is the clock before. */
void arrivals_read(struct arrivals *arrivals, int64_t now, struct wall *wall);

/* The next frame, and the source that it came from; NULL: there is none, or one that is not read yet may be earlier. */
const struct arrival *arrivals_take(struct arrivals *arrivals, struct source **source);

/* Gives the slots of what was taken back to the kernel; `now` as above. */
void arrivals_release(struct arrivals *arrivals, int64_t now);

/* Whether the port may hold frames that are not in the batch. */
static inline bool source_is_cut(const struct source *source)
{
	return source->count == PORT_BATCH || source->port->cut_short;
}

/* Whether the port may hold frames that were not taken. */
static inline bool source_has_more(const struct source *source)
{
	return source_is_cut(source) || source->taken < source->count;
}

#endif
