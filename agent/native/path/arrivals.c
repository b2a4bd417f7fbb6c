/* See arrivals.h. */
#include "path/arrivals.h"

#include "path/clock.h"
#include "model/half.h"
#include "path/prefetch.h"

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void arrivals_add(struct arrivals *arrivals, struct lane *lane, struct port *port)
{
	for (; port; port = port->strays) {
		struct source *source = &arrivals->sources[arrivals->count++];

		source->lane = lane;
		source->port = port;
	}
}

/* Reads the batches; whether there is a frame. */
static bool receive(struct arrivals *arrivals, bool *wall_stamps)
{
	bool any = false;

	*wall_stamps = false;
	for (unsigned i = 0; i < arrivals->count; i++) {
		struct source *source = &arrivals->sources[i];

		source->taken = 0;
		source->count = port_receive(source->port, source->batch);
		any |= source->count > 0;
		*wall_stamps |= source->count && source->port->back_end->wall_stamps;
	}
	return any;
}

/* From stamps to times of arrival. Returns the latest. */
static int64_t translate(struct source *source, const struct wall *wall, int64_t read_ns)
{
	int64_t seen = source->port->seen_ns, latest = 0;

	for (unsigned i = 0; i < source->count; i++) {
		struct arrival *arrival = &source->batch[i];
		struct wall_time time = {.at_ns = earlier(arrival->stamp_ns, read_ns)};

		if (source->port->back_end->wall_stamps)
			time = wall_arrival(wall, arrival->stamp_ns, seen, read_ns);
		arrival->at_ns = time.at_ns;
		arrival->doubt_ns = time.doubt_ns;
		seen = later(seen, time.at_ns);
		latest = later(latest, time.at_ns);
	}
	return latest;
}

/*
 * The first port is read first: if the others are empty, none of its frames came after one of theirs. If they are not,
 * all that is known of all is what arrived before any was read.
 */
void arrivals_read(struct arrivals *arrivals, int64_t now, struct wall *wall)
{
	bool wall_stamps, any = receive(arrivals, &wall_stamps);

	arrivals->limit_ns = TIME_NEVER;
	arrivals->known_ns = arrivals->read_ns = now;
	if (!any)
		return;
	arrivals->read_ns = wall_stamps ? wall_read(wall, now) : monotonic_ns();
	for (unsigned i = 0; i < arrivals->count; i++) {
		struct source *source = &arrivals->sources[i];
		int64_t latest = translate(source, wall, arrivals->read_ns);

		if (source_is_cut(source))
			arrivals->limit_ns = earlier(arrivals->limit_ns, latest);
		if (i && source->count)
			arrivals->limit_ns = earlier(arrivals->limit_ns, now);
	}
	arrivals->known_ns = earlier(arrivals->limit_ns, now);
}

const struct arrival *arrivals_take(struct arrivals *arrivals, struct source **out)
{
	struct source *next = NULL;
	int64_t at = arrivals->limit_ns;
	unsigned ahead;

	for (unsigned i = 0; i < arrivals->count; i++) {
		struct source *source = &arrivals->sources[i];

		if (source->taken == source->count || source->batch[source->taken].at_ns > at)
			continue;
		if (next && source->batch[source->taken].at_ns == at)
			continue; /* of those that arrived together, the one of the first port */
		next = source;
		at = source->batch[source->taken].at_ns;
	}
	if (!next)
		return NULL;
	ahead = next->taken + PREFETCH_AHEAD;
	if (ahead < next->count && next->batch[ahead].first) /* of a super-frame only headers are looked at */
		prefetch(next->batch[ahead].data, next->batch[ahead].length);
	*out = next;
	return &next->batch[next->taken++];
}

void arrivals_release(struct arrivals *arrivals, int64_t now)
{
	for (unsigned i = 0; i < arrivals->count; i++) {
		struct source *source = &arrivals->sources[i];
		struct port *port = source->port;

		if (source->taken) {
			port->seen_ns = later(port->seen_ns, source->batch[source->taken - 1].at_ns);
			port_release(port, source->batch, source->taken);
		}
		if (!source_has_more(source))
			port->seen_ns = later(port->seen_ns, now);
	}
}
