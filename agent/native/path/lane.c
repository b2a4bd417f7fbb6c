/* See lane.h. */
#include "path/lane.h"

#include <errno.h>
#include <stddef.h>

#include "path/arrivals.h"
#include "path/clock.h"
#include "frames/headers.h"
#include "path/prefetch.h"

#define REFRESH_NS (20 * 1000000) /* how old the gauges of a busy lane may be */
#define PUNCTUAL_NS 50000 /* a frame seen so soon after its stamp is not late: the time that it takes into the ring varies */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void link_arm(struct link *link, int64_t t0)
{
	t0 = later(t0, later(half_now(link->lanes[0].half), half_now(link->lanes[1].half)));
	half_arm(link->lanes[0].half, t0);
	half_arm(link->lanes[1].half, t0);
	link->trigger = TRIGGER_NONE;
	link->t0_ns = t0;
	__atomic_store_n(&link->stats->t0_ns, t0, __ATOMIC_RELAXED);
}

void link_hold(struct link *link)
{
	half_arm(link->lanes[0].half, TIME_NEVER);
	half_arm(link->lanes[1].half, TIME_NEVER);
}

void link_started(struct link *link, int64_t now)
{
	link->started_ns = now;
	__atomic_store_n(&link->stats->started_ns, now, __ATOMIC_RELAXED);
}

int link_can_arm(const struct link *link, int64_t t0, int64_t now)
{
	if (link->started_ns || link->t0_ns <= now) /* or is about to say so */
		return EALREADY;
	if (link->trigger != TRIGGER_NONE)
		return EBUSY;
	return t0 < now ? ETIME : 0;
}

/* The link's first frame of the kind that it waited for arrived at `at`: that is T0. Returns T0. */
static int64_t pull_trigger(struct link *link, int64_t at, int64_t now)
{
	link_arm(link, at);
	link_started(link, now);
	return link->t0_ns;
}

/* The bit that the path chose, of those behind the Ethernet header. */
static uint32_t corrupt_bit(const struct frame *frame)
{
	uint64_t bits = frame->length > PORT_ETHERNET_HEAD ? (uint64_t)(frame->length - PORT_ETHERNET_HEAD) * 8 : 0;

	return (uint32_t)(frame->packet.corruption * bits >> 32);
}

static uint8_t logged_ecn(const struct lane *lane, const struct packet *packet)
{
	return lane->reads_headers ? (uint8_t)(packet->ecn | (packet->marked ? LOGGED_MARKED : 0)) : 0;
}

/* Keeps the first bytes of a frame, as it arrived, for its record, which comes after `ahead` others. */
static uint8_t capture(const struct lane *lane, const struct frame *frame, unsigned ahead)
{
	uint8_t scratch[FRAME_MAX];

	if (!lane->capture)
		return 0;
	return capture_write(lane->capture, lane->log, ahead, port_bytes(lane->in, frame, scratch), frame->length);
}

/* Logs a frame that is dropped, or lost before it was served. */
static void log_dropped(struct lane *lane, const struct frame *frame, enum logged_verdict verdict)
{
	packet_log_write(lane->log, &(struct packet_record){
		.number = frame->number,
		.arrival_ns = frame->packet.arrival,
		.moved_ns = frame->moved_ns,
		.route = PACKET_LOG_NO_ROUTE,
		.length = frame->length,
		.verdict = verdict,
		.flags = logged_ecn(lane, &frame->packet) | capture(lane, frame, 0),
		.flow = lane->reads_headers ? frame->packet.flow : 0,
		.start_ns = verdict == LOGGED_RANDOM_LOSS ? frame->packet.start : 0,
		.end_ns = verdict == LOGGED_RANDOM_LOSS ? frame->packet.end : 0,
	});
}

/* Logs a frame that the model handed out; `sent_ns` is 0 if the kernel refused it, `captured` is what capture() said. */
static void log_served(struct lane *lane, const struct frame *frame, int64_t sent_ns, uint8_t captured)
{
	const struct packet *packet = &frame->packet;

	packet_log_write(lane->log, &(struct packet_record){
		.number = frame->number,
		.arrival_ns = packet->arrival,
		.moved_ns = frame->moved_ns,
		.start_ns = packet->start,
		.end_ns = packet->end,
		.due_ns = packet->due,
		.sent_ns = sent_ns,
		.route = packet->route,
		.length = frame->length,
		.verdict = sent_ns ? LOGGED_ADMITTED : LOGGED_LOST_SEND,
		.flags = logged_ecn(lane, packet) | (packet->corrupt ? LOGGED_CORRUPT : 0) |
			(packet->copy ? LOGGED_COPY : 0) | captured,
		.flow = lane->reads_headers ? packet->flow : 0,
		.bit = packet->corrupt ? corrupt_bit(frame) : 0,
	});
}

/*
 * Whether a frame that the model dropped on arrival might have been admitted if the model had seen it when it arrived, which
 * was `moved` ago: then it is the machine that lost it, and how late it was seen counts as lateness.
 */
static bool lost_by_lateness(const struct lane *lane, const struct packet *packet, int64_t moved)
{
	if (moved <= PUNCTUAL_NS)
		return false;
	return packet->verdict != VERDICT_QUEUE_FULL || !half_undisturbed_since(lane->half, packet->arrival - moved);
}

/* The memory of a copy of the packet, which is a frame of the lane, with what it holds: a make_copy of half.h. */
static struct packet *copy_frame(void *owner, const struct packet *original)
{
	const struct frame *from = (const struct frame *)original;
	struct lane *lane = owner;
	struct frame *made = port_copy(lane->in, from);

	lane->counters[DUPLICATED_PACKETS]++;
	if (!made) {
		lane->counters[LOST_MEMORY]++;
		return NULL;
	}
	return &made->packet;
}

void lane_set_half(struct lane *lane, struct half *half)
{
	lane->half = half;
	half_set_copies(half, copy_frame, lane);
}

static void drop(struct lane *lane, const struct frame *frame, bool late)
{
	if (late) {
		lane->counters[LOST_LATE]++;
		grid_count_lateness(&lane->grid, lane->stats, frame->moved_ns);
	} else {
		enum counter dropped = counter_of_drop((enum logged_verdict)frame->packet.verdict);

		lane->counters[dropped]++;
		lane->counters[dropped + 1] += frame->length;
	}
	if (lane->log)
		log_dropped(lane, frame, late ? LOGGED_LOST_LATE : (enum logged_verdict)frame->packet.verdict);
}

/* Ends the life of what the queueing discipline dropped after it had been admitted. */
static void drop_admitted(struct lane *lane)
{
	struct packet *packet;

	while ((packet = half_dropped(lane->half))) {
		struct frame *frame = (struct frame *)packet;

		drop(lane, frame, false);
		port_give_room(lane->in, frame);
	}
}

/* Adds to what gathers what is due at `now`, up to what can be sent at once. */
static void collect_due(struct lane *lane, int64_t now)
{
	struct packet *packet;

	while (lane->gathering.count < port_send_most(lane->out) && (packet = half_pop(lane->half, now))) {
		const struct frame *frame = (struct frame *)packet;

		if (!lane->out->back_end->segments)
			prefetch(frame->data, frame->length);
		gathering_add(&lane->gathering, packet);
	}
}

/* Does to a frame what the queue and the path did; whether its first bytes were kept, as it arrived, for record `ahead`. */
static uint8_t finish(struct lane *lane, struct frame *frame, unsigned ahead)
{
	uint8_t captured = capture(lane, frame, ahead);

	if (frame->packet.marked)
		port_mark_ce(lane->out, frame);
	if (frame->packet.corrupt) {
		lane->counters[CORRUPTED_PACKETS]++;
		port_corrupt(lane->out, frame, corrupt_bit(frame));
	}
	return captured;
}

/* The kernel took the frames one after the other from `before` to `after`: frame i had left by its share of that. */
static void account(struct lane *lane, struct frame *const *frames, const uint8_t *captured, unsigned count,
	const struct sent *sent, int64_t before)
{
	int64_t each = (monotonic_ns() - before) / count;

	for (unsigned i = 0; i < count; i++) {
		const struct frame *frame = frames[i];
		int64_t left_ns = before + each * (i + 1);

		if (!sent_frame(sent, i)) {
			lane->counters[LOST_SEND]++;
			if (lane->log)
				log_served(lane, frame, 0, captured[i]);
			continue;
		}
		lane->counters[DELIVERED_PACKETS]++;
		lane->counters[DELIVERED_BYTES] += frame->length;
		grid_count_lateness(&lane->grid, lane->stats, left_ns - frame->packet.due + frame->moved_ns);
		grid_count_transit(&lane->grid, lane->stats, left_ns - frame->packet.arrival);
		if (lane->log)
			log_served(lane, frame, left_ns, captured[i]);
	}
}

/* Sends what has gathered; how many. */
static unsigned send_gathered(struct lane *lane)
{
	struct frame *due[PORT_SEND_MAX];
	uint8_t captured[PORT_SEND_MAX];
	unsigned count = lane->gathering.count;
	int64_t before;
	struct sent sent;

	if (!count)
		return 0;
	gathering_take(&lane->gathering, due);
	for (unsigned i = 0; i < count; i++)
		captured[i] = finish(lane, due[i], i);
	before = monotonic_ns();
	port_send(lane->out, due, count, &sent);
	lane->counters[OUT_AS_COUNTED] += sent.as_counted;
	account(lane, due, captured, count, &sent, before);
	return count;
}

/* Whether what has gathered waits for segments behind it: those of a super-frame, as long as more of it is to come. */
static bool waits(struct lane *lane, int64_t now)
{
	const struct gathering *gathering = &lane->gathering;

	if (!lane->link->patience.most_ns || !gathering->count || gathering->count == port_send_most(lane->out) ||
	    !port_more_to_come(lane->out, (const struct frame *)gathering->frames.tail))
		return false;
	return gathering_waits(gathering, &lane->link->patience, half_next_due(lane->half), now);
}

/* Sends all that is due by `at`; how many. */
static unsigned send_due(struct lane *lane, int64_t at)
{
	collect_due(lane, at);
	return send_gathered(lane);
}

/* Looks at what the half counts by itself. */
static void look_inside(struct lane *lane)
{
	struct half_gauges gauges;

	half_gauges(lane->half, &gauges);
	lane->counters[SERVED_PACKETS] = gauges.served_packets;
	lane->counters[SERVED_BYTES] = gauges.served_bytes - gauges.served_packets * lane->link->overhead;
	lane->counters[CE_MARKED_PACKETS] = gauges.marked_packets;
	lane->counters[QUEUE_BYTES] = gauges.queue_bytes;
	lane->counters[QUEUE_PACKETS] = gauges.queue_packets;
	lane->counters[IN_FLIGHT_PACKETS] = gauges.in_flight_packets + lane->gathering.count;
	lane->counters[AQM_PPM] = gauges.aqm_ppm;
	lane->counters[AQM_AVERAGE_BYTES] = gauges.aqm_average_bytes;
	lane->counters[ROW] = gauges.row;
}

static void publish(struct lane *lane)
{
	look_inside(lane);
	stats_publish(lane->stats, lane->counters);
}

/* At the next instant of the grid all has arrived that came by then, and what is due by then is sent. */
static void note(struct lane *lane)
{
	int64_t at = lane->grid.next_ns;

	half_advance(lane->half, at);
	while (send_due(lane, at) == port_send_most(lane->out))
		;
	drop_admitted(lane);
	look_inside(lane);
	grid_note(&lane->grid, lane->stats, lane->counters);
}

/* Virtual time is about to go on to t: notes the instants before it. */
static void pass_instants(struct lane *lane, int64_t t)
{
	while (lane->grid.next_ns < t) {
		if (half_next_due(lane->half) == TIME_NEVER && !lane->gathering.count)
			grid_skip(&lane->grid, lane->counters, t);
		note(lane);
	}
}

/* Logs an arrival that there is no frame for. */
static void log_lost(struct lane *lane, const struct arrival *arrival, int64_t at)
{
	_Alignas(max_align_t) uint8_t data[FRAME_MAX];
	struct frame frame = {.number = lane->counters[ARRIVED_PACKETS], .length = arrival->length, .data = data,
		.packet.arrival = at};

	if (lane->capture)
		port_show(lane->in, arrival, &frame);
	log_dropped(lane, &frame, LOGGED_LOST_MEMORY);
}

/* `at` is when the frame arrived, perhaps later by `doubt`, which counts as if it had been moved by as much. */
static void admit(struct lane *lane, struct port *port, const struct arrival *arrival, int64_t at)
{
	struct link *link = lane->link;
	bool at_once = half_makes_copies(lane->half) || lane->capture; /* the model, or the log, may look at its bytes */
	struct frame *frame;
	enum verdict verdict;

	pass_instants(lane, at);
	frame = port_take_room(port, arrival);
	lane->counters[ARRIVED_PACKETS]++;
	lane->counters[ARRIVED_BYTES] += arrival->length;
	if (!frame) {
		lane->counters[LOST_MEMORY]++;
		if (lane->log)
			log_lost(lane, arrival, at);
		return;
	}
	frame->number = lane->counters[ARRIVED_PACKETS];
	frame->packet.length = arrival->length + link->overhead;
	if (lane->reads_headers)
		headers_read(arrival->data, arrival->length - (arrival->tag ? PORT_VLAN_TAG : 0), lane->key, &frame->packet);
	if (at_once)
		port_keep(port, arrival, frame);
	verdict = half_arrive(lane->half, &frame->packet, at);
	frame->moved_ns = frame->packet.arrival - at + arrival->doubt_ns;
	if (verdict == VERDICT_ADMITTED) {
		if (!at_once)
			port_keep(port, arrival, frame); /* only now: a dropped frame costs no copy */
	} else {
		drop(lane, frame, lost_by_lateness(lane, &frame->packet, frame->moved_ns));
		port_give_room(port, frame);
	}
	drop_admitted(lane);
}

static void take_in(struct source *source, const struct arrival *arrival, int64_t now)
{
	struct lane *lane = source->lane;
	struct link *link = lane->link;
	int64_t at = arrival->at_ns;

	lane->counters[IN_AS_COUNTED] += arrival->first;
	if (!arrival->whole) {
		lane->counters[LOST_RING]++;
		return;
	}
	if (link->trigger && trigger_matches(link->trigger, arrival->data, arrival->length, link->mtu))
		at = pull_trigger(link, at, now);
	admit(lane, source->port, arrival, at);
}

/* What was read is now known of all lanes that were read. */
static void note_progress(const struct arrivals *arrivals)
{
	for (unsigned i = 0; i < arrivals->count; i++) {
		arrivals->sources[i].lane->known_ns = arrivals->known_ns;
		arrivals->sources[i].lane->unread = false;
	}
	for (unsigned i = 0; i < arrivals->count; i++)
		arrivals->sources[i].lane->unread |= source_has_more(&arrivals->sources[i]);
}

unsigned lane_receive(struct lane *lane, int64_t now, struct wall *wall)
{
	const struct arrival *arrival;
	struct arrivals arrivals;
	struct source *source;
	unsigned frames = 0, others = 0;

	arrivals.count = 0;
	arrivals_add(&arrivals, lane, lane->in);
	if (lane->link->trigger)
		arrivals_add(&arrivals, lane_other(lane), lane_other(lane)->in);
	arrivals_read(&arrivals, now, wall);
	while ((arrival = arrivals_take(&arrivals, &source))) {
		frames += arrival->first;
		others += !arrival->first;
		take_in(source, arrival, arrivals.read_ns);
	}
	arrivals_release(&arrivals, now);
	note_progress(&arrivals);
	return frames ? frames : others > 0;
}

/* Looks at the ring's overruns; a lane where nothing arrived since the last look, and nothing is inside, may rest. */
static void refresh(struct lane *lane, int64_t now)
{
	bool idle = lane->refreshed_arrivals == lane->counters[ARRIVED_PACKETS] && half_next_due(lane->half) == TIME_NEVER;
	uint64_t overruns = port_new_overruns(lane->in);

	lane->counters[LOST_RING] += overruns;
	lane->counters[IN_AS_COUNTED] += overruns;
	lane->refreshed_arrivals = lane->counters[ARRIVED_PACKETS];
	lane->refresh_ns = idle ? TIME_NEVER : now + REFRESH_NS;
}

/* When to be called again; `full`: more may be due. */
static void appoint(struct lane *lane, bool wait, bool full, int64_t now)
{
	struct appointment next = gathering_next(&lane->gathering, &lane->link->patience, wait, half_next_due(lane->half));
	int64_t other = earlier(lane->refresh_ns, grid_deadline(&lane->grid, lane->counters));

	if (full)
		next = (struct appointment){now, 0};
	if (other < next.by_ns)
		next = (struct appointment){other, 0};
	if (lane->unread) /* other lanes first */
		next = (struct appointment){later(next.by_ns, now + 1), 0};
	lane->deadline_ns = next.by_ns;
	lane->slack_ns = next.slack_ns;
}

void lane_deliver(struct lane *lane, int64_t now)
{
	int64_t known = earlier(now, lane->known_ns);
	int64_t virtual_now = later(known, half_now(lane->half)); /* a frame may have arrived after `now` was read */
	bool wait;
	unsigned sent;

	pass_instants(lane, virtual_now);
	half_advance(lane->half, virtual_now);
	collect_due(lane, virtual_now);
	wait = waits(lane, now);
	sent = wait ? 0 : send_gathered(lane);
	drop_admitted(lane);
	if (now >= lane->refresh_ns)
		refresh(lane, now);
	else if (lane->refresh_ns == TIME_NEVER && lane->refreshed_arrivals != lane->counters[ARRIVED_PACKETS])
		lane->refresh_ns = now + REFRESH_NS;
	publish(lane);
	appoint(lane, wait, sent == port_send_most(lane->out), now);
}

void lane_note(struct lane *lane, const struct grid_terms *terms)
{
	look_inside(lane);
	grid_start(&lane->grid, terms, lane->counters);
}

void lane_settle(struct lane *lane, int64_t at, int64_t *overdue, int64_t *oldest)
{
	at = later(earlier(at, lane->known_ns), half_now(lane->half));
	while (lane->grid.next_ns < at) { /* what is overdue then is sent then */
		half_advance(lane->half, lane->grid.next_ns);
		half_overdue(lane->half, lane->grid.next_ns, overdue, oldest);
		pass_instants(lane, lane->grid.next_ns + 1);
	}
	half_advance(lane->half, at);
	half_overdue(lane->half, at, overdue, oldest);
	gathering_overdue(&lane->gathering, overdue, oldest);
}
