/* See worker.h. The orders of other threads: how they are handed over, and how the worker's thread carries them out. */
#include "worker/worker_state.h"

#include <errno.h>

#include "path/clock.h"

#define NOTE_GROUPS 16 /* of lanes, which note an instant one after the other ... */
#define NOTE_SPREAD_NS INT64_C(100000000) /* ... in half of this time, or of an interval */
#define QUIET_NS INT64_C(1000000000) /* how often a lane notes that nothing changes */
#define TRANSIT_SHARE 4 /* of the least delay: what arrives is read when this part of it has passed */
#define SETTLE_BATCHES 1024 /* more than a ring holds: a flood that never ends must not keep the worker */

/* Orders, carried out in the worker's thread */

struct link_order {
	struct link *link;
	enum trigger trigger;
};

struct arm_order {
	struct link *const *links;
	size_t count;
	int64_t t0;
};

struct note_order {
	struct link *const *links;
	size_t count;
	struct note_terms terms;
};

struct settle_order {
	struct link *link;
	int64_t at;
	struct overdue *overdue;
};

struct change_order {
	struct link *link;
	struct half_change *const *changes;
	int64_t at;
};

/* What all lanes allow: see pace_unread_ns(). Time for the timer's lateness is left, and for reading. */
static void note_unread(struct worker *worker)
{
	worker->unread_ns = TIME_NEVER;
	for (size_t i = 0; i < worker->deadlines.count; i++) {
		const struct lane *lane = worker->deadlines.heap[i];
		int64_t may_ns = smaller(lane->ring_ns, half_least_transit_ns(lane->half) / TRANSIT_SHARE);

		worker->unread_ns = smaller(worker->unread_ns, may_ns);
	}
}

static void forget_lane(struct worker *worker, struct lane *lane)
{
	readiness_remove(&worker->readiness, lane);
	deadlines_remove(&worker->deadlines, lane);
}

static int learn_lane(struct worker *worker, struct lane *lane, int64_t now)
{
	int error = deadlines_add(&worker->deadlines, lane);

	if (error)
		return error;
	for (struct port *port = lane->in; port; port = port->strays)
		port->seen_ns = now;
	error = readiness_add(&worker->readiness, lane);
	if (error)
		deadlines_remove(&worker->deadlines, lane);
	return error;
}

static int add(void *receiver, void *argument)
{
	struct link *link = ((struct link_order *)argument)->link;
	int64_t now = monotonic_ns();
	int error = learn_lane(receiver, &link->lanes[0], now);

	if (error)
		return error;
	error = learn_lane(receiver, &link->lanes[1], now);
	if (error)
		forget_lane(receiver, &link->lanes[0]);
	note_unread(receiver);
	return error;
}

static int forget(void *receiver, void *argument)
{
	struct link *link = ((struct link_order *)argument)->link;
	struct worker *worker = receiver;

	starts_remove(&worker->starts, link);
	forget_lane(worker, &link->lanes[0]);
	forget_lane(worker, &link->lanes[1]);
	note_unread(worker);
	if (!deadlines_first(&worker->deadlines))
		worker->heartbeat.record_ns = TIME_NEVER;
	return 0;
}

/* What is inside may now be due at another time, so its lanes are looked at: soon, but not before the other orders. */
static void look_soon(struct worker *worker, struct link *link, int64_t now)
{
	for (int i = 0; i < 2; i++) {
		link->lanes[i].deadline_ns = now;
		deadlines_update(&worker->deadlines, &link->lanes[i]);
	}
}

static void arm_link(struct worker *worker, struct link *link, int64_t t0, int64_t now)
{
	link_arm(link, t0);
	starts_add(&worker->starts, link);
	look_soon(worker, link, now);
}

/* Holds the links, so that none starts before it is armed or let go. */
static int reserve(void *receiver, void *argument)
{
	struct arm_order *order = argument;
	struct worker *worker = receiver;
	int64_t now = monotonic_ns();
	int error = starts_reserve(&worker->starts, worker->starts.count + order->count);

	for (size_t i = 0; i < order->count && !error; i++)
		error = link_can_arm(order->links[i], order->t0, now);
	for (size_t i = 0; i < order->count && !error; i++) {
		link_hold(order->links[i]);
		starts_remove(&worker->starts, order->links[i]);
	}
	return error;
}

static int arm(void *receiver, void *argument)
{
	struct arm_order *order = argument;
	int64_t now = monotonic_ns();

	for (size_t i = 0; i < order->count; i++)
		arm_link(receiver, order->links[i], order->t0, now);
	return 0;
}

static int let_go(void *receiver, void *argument)
{
	struct arm_order *order = argument;
	int64_t now = monotonic_ns();

	for (size_t i = 0; i < order->count; i++)
		if (order->links[i]->t0_ns != TIME_NEVER)
			arm_link(receiver, order->links[i], order->links[i]->t0_ns, now);
	return 0;
}

static int await_trigger(void *receiver, void *argument)
{
	struct link_order *order = argument;

	(void)receiver;
	if (order->link->t0_ns != TIME_NEVER)
		return EALREADY;
	order->link->trigger = order->trigger;
	return 0;
}

static int watch(void *receiver, void *argument)
{
	struct heartbeat *heartbeat = &((struct worker *)receiver)->heartbeat;
	int64_t gap_ns = *(const int64_t *)argument;

	if (gap_ns < heartbeat->record_ns)
		heartbeat->record_ns = gap_ns;
	return 0;
}

/* Each lane by terms of its own, so that they do not come all at once. */
static struct grid_terms terms_of(const struct note_terms *terms, size_t lane)
{
	int64_t spread = terms->interval_ns < NOTE_SPREAD_NS ? terms->interval_ns : NOTE_SPREAD_NS;
	int64_t quiet = (QUIET_NS + terms->interval_ns - 1) / terms->interval_ns;

	return (struct grid_terms){
		.t0_ns = terms->t0_ns,
		.interval_ns = terms->interval_ns,
		.delay_ns = spread / 8 + spread / (2 * NOTE_GROUPS) * (int64_t)(lane % NOTE_GROUPS),
		.quiet_ns = quiet * terms->interval_ns,
		.first_quiet_ns = (1 + (int64_t)(lane / NOTE_GROUPS) % quiet) * terms->interval_ns,
	};
}

static int note(void *receiver, void *argument)
{
	struct note_order *order = argument;
	struct worker *worker = receiver;
	int64_t now = monotonic_ns();

	if (order->terms.t0_ns <= now)
		return ETIME;
	for (size_t i = 0; i < 2 * order->count; i++) {
		struct lane *lane = &order->links[i / 2]->lanes[i % 2];
		struct grid_terms terms = terms_of(&order->terms, i);

		lane_note(lane, &terms);
		lane->deadline_ns = now;
		deadlines_update(&worker->deadlines, lane);
	}
	return 0;
}

/* Reads all that has arrived first, so that virtual time may go on to `at`. */
static void settle_lane(struct worker *worker, struct lane *lane, int64_t at, struct overdue *overdue)
{
	for (int batch = 0; batch < SETTLE_BATCHES; batch++) {
		worker_receive(worker, lane, monotonic_ns());
		if (!lane->unread)
			break;
	}
	lane_settle(lane, at, &overdue->packets, &overdue->oldest_ns);
	readiness_note(&worker->readiness, lane);
	lane->deadline_ns = at;
	deadlines_update(&worker->deadlines, lane);
}

static int settle_link(void *receiver, void *argument)
{
	struct settle_order *order = argument;

	*order->overdue = (struct overdue){0};
	for (int i = 0; i < 2; i++)
		settle_lane(receiver, &order->link->lanes[i], order->at, order->overdue);
	return 0;
}

/* Between two frames, and both halves before either goes on: no frame sees one of them only. */
static int change(void *receiver, void *argument)
{
	struct change_order *order = argument;
	int64_t now = monotonic_ns();
	int error = order->at > now ? 0 : ETIME; /* virtual time may be behind: but what was told of until now stays true */

	for (int i = 0; i < 2 && !error; i++)
		error = half_can_change(order->link->lanes[i].half, order->changes[i], order->at);
	for (int i = 0; i < 2 && !error; i++)
		half_change(order->link->lanes[i].half, order->changes[i]);
	if (!error)
		look_soon(receiver, order->link, now);
	note_unread(receiver);
	return error;
}

/* Orders, handed over by other threads */

static int order(struct worker *worker, int (*carry_out)(void *, void *), struct link_order order)
{
	return mailbox_post(&worker->mailbox, carry_out, &order);
}

int worker_add(struct worker *worker, struct link *link)
{
	return order(worker, add, (struct link_order){.link = link});
}

int worker_remove(struct worker *worker, struct link *link)
{
	return order(worker, forget, (struct link_order){.link = link});
}

int worker_reserve(struct worker *worker, struct link *const *links, size_t count, int64_t t0)
{
	struct arm_order order = {.links = links, .count = count, .t0 = t0};

	return mailbox_post(&worker->mailbox, reserve, &order);
}

int worker_arm(struct worker *worker, struct link *const *links, size_t count, int64_t t0)
{
	struct arm_order order = {.links = links, .count = count, .t0 = t0};

	return mailbox_post(&worker->mailbox, arm, &order);
}

int worker_let_go(struct worker *worker, struct link *const *links, size_t count, int64_t t0)
{
	struct arm_order order = {.links = links, .count = count, .t0 = t0};

	return mailbox_post(&worker->mailbox, let_go, &order);
}

int worker_watch(struct worker *worker, int64_t gap_ns)
{
	return mailbox_post(&worker->mailbox, watch, &gap_ns);
}

int worker_note(struct worker *worker, struct link *const *links, size_t count, struct note_terms terms)
{
	struct note_order order = {.links = links, .count = count, .terms = terms};

	return mailbox_post(&worker->mailbox, note, &order);
}

int worker_settle(struct worker *worker, struct link *link, int64_t at, struct overdue *overdue)
{
	struct settle_order order = {.link = link, .at = at, .overdue = overdue};

	return mailbox_post(&worker->mailbox, settle_link, &order);
}

int worker_change(struct worker *worker, struct link *link, struct half_change *const changes[2], int64_t at)
{
	struct change_order order = {.link = link, .changes = changes, .at = at};

	return mailbox_post(&worker->mailbox, change, &order);
}

int worker_trigger(struct worker *worker, struct link *link, enum trigger trigger)
{
	return order(worker, await_trigger, (struct link_order){.link = link, .trigger = trigger});
}
