/* See worker.h. One pass of the loop: sleep or not, read what arrived, deliver what is due. */
#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "path/clock.h"
#include "worker/deadlines.h"
#include "worker/mailbox.h"
#include "worker/readiness.h"
#include "worker/starts.h"
#include "path/wall.h"

#define LANES_A_PASS 64 /* that are delivered before the ports are looked at again */
#define NOTE_GROUPS 16 /* of lanes, which note an instant one after the other ... */
#define NOTE_SPREAD_NS INT64_C(100000000) /* ... in half of this time, or of an interval */
#define QUIET_NS INT64_C(1000000000) /* how often a lane notes that nothing changes */
#define SETTLE_BATCHES 1024 /* more than a ring holds: a flood that never ends must not keep the worker */

struct worker {
	pthread_t thread;
	bool stopping;
	struct pace pace;
	struct priority priority;
	struct heartbeat heartbeat;
	struct deadlines deadlines;
	struct starts starts;
	struct readiness readiness;
	struct mailbox mailbox;
	struct wall wall;
	int64_t idle_ns; /* since when the passes have found nothing to do; 0: the last one did */
};

/* Working */

static void deliver(struct worker *worker, struct lane *lane, int64_t now)
{
	lane_deliver(lane, now);
	deadlines_update(&worker->deadlines, lane);
}

/*
 * Reads a batch of frames from the lane's ports; how many. The first frame starts the other half, too, and what is inside
 * that may be due earlier then: so while the link waits for it both are read together, and the other delivered here.
 */
static unsigned receive(struct worker *worker, struct lane *lane, int64_t now)
{
	struct lane *other = lane->link->trigger == TRIGGER_NONE ? NULL : lane_other(lane);
	unsigned frames = lane_receive(lane, now, &worker->wall);

	if (other) {
		readiness_note(&worker->readiness, other);
		deliver(worker, other, now);
	}
	return frames;
}

/* One batch from each lane whose ports may have frames; how many in all. */
static unsigned receive_all(struct worker *worker, int64_t now)
{
	struct lane *lane = readiness_take(&worker->readiness), *next;
	unsigned all = 0;

	for (; lane; lane = next) {
		unsigned frames = receive(worker, lane, now);

		next = lane->next_readable;
		readiness_give(&worker->readiness, lane, frames, now);
		if (frames)
			deliver(worker, lane, now);
		all += frames;
	}
	return all;
}

/*
 * What is due, and before it what has arrived meanwhile, whether epoll has told of it yet or not: time passes no arrival.
 * Whether anything was due; adds the frames read to *all.
 */
static bool deliver_all(struct worker *worker, int64_t now, unsigned *all)
{
	for (int i = 0; i < LANES_A_PASS; i++) {
		struct lane *lane = deadlines_first(&worker->deadlines);

		if (!lane || lane->deadline_ns > now)
			return i;
		if (lane->known_ns < now) {
			*all += receive(worker, lane, now);
			readiness_note(&worker->readiness, lane);
		}
		deliver(worker, lane, now);
	}
	return true;
}

/* One look at everything; whether there was anything to do. */
static bool pass(struct worker *worker, int64_t now)
{
	unsigned frames = receive_all(worker, now);
	bool due = deliver_all(worker, now, &frames);

	if (frames && !worker->readiness.unread)
		pace_received(&worker->pace, frames, now);
	return frames || due;
}

/* Sleeping */

/* When something is to be done, if nothing arrives before. */
static int64_t next_ns(const struct worker *worker)
{
	const struct lane *first = deadlines_first(&worker->deadlines);
	int64_t start_ns = worker->starts.next_ns;

	return first && first->deadline_ns < start_ns ? first->deadline_ns : start_ns;
}

/* Until epoll tells of something, or until `wake`; false: it told of nothing. */
static bool ask(struct worker *worker, int64_t now, int64_t wake)
{
	struct timespec timeout = {0};
	bool orders;
	int count;

	if (wake > now && wake != TIME_NEVER) {
		timeout.tv_sec = (wake - now) / NS_PER_S;
		timeout.tv_nsec = (wake - now) % NS_PER_S;
	}
	count = readiness_ask(&worker->readiness, now, wake == TIME_NEVER ? NULL : &timeout, &orders);
	if (orders) /* last: it may take away a lane that is among the events */
		mailbox_serve(&worker->mailbox, worker);
	return count > 0;
}

/* Until more frames have gathered, if they are a flood, but not beyond a start; returns the time then. */
static int64_t gather(struct worker *worker)
{
	int64_t begin = monotonic_ns(), now = begin;

	while (now < worker->pace.gather_ns && now < worker->starts.next_ns)
		now = monotonic_ns();
	pace_spun(&worker->pace, now - begin);
	return now;
}

/* Who sleeps until T0 is woken late: by more than half a millisecond, one time in a hundred on a virtual machine. */
static bool stays_awake(const struct worker *worker)
{
	return worker->starts.imminent && worker->pace.spin != SPIN_OFF;
}

/* Until there may be something to do; returns the time then. */
static int64_t wait_for_work(struct worker *worker)
{
	int64_t before = gather(worker), next = next_ns(worker), wake = pace_wake_ns(&worker->pace, next, before), now;
	bool awake = stays_awake(worker), beats = wake > before + BEAT_NS, sleeps, told = false;

	if (beats)
		wake = before + BEAT_NS;
	priority_keep(&worker->priority, before);
	sleeps = wake > before && readiness_may_sleep(&worker->readiness) && !awake;
	heartbeat_rest(&worker->heartbeat, before, sleeps ? wake : before, beats ? BEAT_SLACK_NS : 0);
	if (sleeps || readiness_should_ask(&worker->readiness, before))
		told = ask(worker, before, sleeps ? wake : before);
	if (awake)
		priority_yield(&worker->priority);
	now = monotonic_ns();
	if (sleeps && !told && !beats)
		pace_woke(&worker->pace, now - wake);
	else if (!told && next > before)
		pace_spun(&worker->pace, now - (worker->idle_ns ? worker->idle_ns : before));
	worker->idle_ns = now;
	heartbeat_pass(&worker->heartbeat, now);
	return now;
}

/*
 * Says so where T0 has come; returns the time then. Workers of other hosts may share this CPU, where hosts are namespaces,
 * and wait for the same T0: all are to notice it before the first goes on.
 */
static int64_t start_due(struct worker *worker, int64_t now)
{
	bool near = worker->starts.near;

	starts_pass(&worker->starts, now);
	if (near && !worker->starts.near) {
		priority_yield(&worker->priority);
		now = monotonic_ns();
	}
	priority_raise(&worker->priority, worker->starts.near);
	return now;
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!worker->stopping) {
		int64_t now = start_due(worker, wait_for_work(worker));

		if (pass(worker, now))
			worker->idle_ns = 0;
	}
	return NULL;
}

/* Orders, carried out in the worker's thread */

static int settle(void *receiver, void *argument)
{
	const struct worker_config *config = argument;
	struct worker *worker = receiver;
	int64_t now = monotonic_ns();

	pace_init(&worker->pace, config->spin, config->spin_share, now);
	priority_take(&worker->priority, &config->priority, now);
	return worker->priority.cpu_error;
}

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
	return error;
}

static int forget(void *receiver, void *argument)
{
	struct link *link = ((struct link_order *)argument)->link;
	struct worker *worker = receiver;

	starts_remove(&worker->starts, link);
	forget_lane(worker, &link->lanes[0]);
	forget_lane(worker, &link->lanes[1]);
	if (!deadlines_first(&worker->deadlines))
		worker->heartbeat.record_ns = TIME_NEVER;
	return 0;
}

/* What is inside may now be due at another time, so its lanes are looked at: soon, but not before the other orders. */
static void arm_link(struct worker *worker, struct link *link, int64_t t0, int64_t now)
{
	link_arm(link, t0);
	starts_add(&worker->starts, link);
	for (int i = 0; i < 2; i++) {
		link->lanes[i].deadline_ns = now;
		deadlines_update(&worker->deadlines, &link->lanes[i]);
	}
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
		receive(worker, lane, monotonic_ns());
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

static int stop(void *receiver, void *argument)
{
	(void)argument;
	((struct worker *)receiver)->stopping = true;
	return 0;
}

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

int worker_trigger(struct worker *worker, struct link *link, enum trigger trigger)
{
	return order(worker, await_trigger, (struct link_order){.link = link, .trigger = trigger});
}

/* Beginning and end */

static int start_thread(struct worker *worker)
{
	int error = readiness_init(&worker->readiness, worker->mailbox.eventfd);

	starts_init(&worker->starts);
	wall_init(&worker->wall);
	return error ? error : pthread_create(&worker->thread, NULL, run, worker);
}

static void release(struct worker *worker)
{
	readiness_end(&worker->readiness);
	mailbox_end(&worker->mailbox);
	starts_end(&worker->starts);
	free(worker->deadlines.heap);
	free(worker);
}

int worker_start(const struct worker_config *config, struct worker_stats *stats, struct worker **out)
{
	struct worker_config settings = *config;
	struct worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return ENOMEM;
	heartbeat_init(&worker->heartbeat, stats, monotonic_ns());
	error = mailbox_init(&worker->mailbox);
	if (error) {
		free(worker);
		return error;
	}
	error = start_thread(worker);
	if (error) {
		release(worker);
		return error;
	}
	error = mailbox_post(&worker->mailbox, settle, &settings);
	if (error)
		worker_stop(worker);
	else
		*out = worker;
	return error;
}

const struct priority *worker_priority(const struct worker *worker)
{
	return &worker->priority;
}

void worker_stop(struct worker *worker)
{
	mailbox_post(&worker->mailbox, stop, NULL);
	pthread_join(worker->thread, NULL);
	release(worker);
}
