/* See worker.h. One pass of the loop: sleep or not, read what arrived, deliver what is due. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"
#include "deadlines.h"
#include "mailbox.h"
#include "starts.h"

#define EVENTS 64

struct worker {
	pthread_t thread;
	int epoll;
	bool stopping;
	struct pace pace;
	struct priority priority;
	struct deadlines deadlines;
	struct starts starts;
	struct lane *readable; /* lanes whose ports may hold frames */
	struct mailbox mailbox;
};

/* Receiving */

static void mark_readable(struct worker *worker, struct lane *lane)
{
	if (lane->readable)
		return;
	lane->readable = true;
	lane->next_readable = worker->readable;
	worker->readable = lane;
}

static void deliver(struct worker *worker, struct lane *lane, int64_t now)
{
	lane_deliver(lane, now);
	deadlines_update(&worker->deadlines, lane);
}

/* One batch from each port that may have frames; a port that has more stays in the list. */
static void receive_all(struct worker *worker, int64_t now)
{
	struct lane *lane = worker->readable, *next;
	int64_t offset = lane ? wall_offset_ns() : 0;

	worker->readable = NULL;
	for (; lane; lane = next) {
		bool waiting = lane->link->trigger != TRIGGER_NONE;

		next = lane->next_readable;
		lane->readable = false;
		if (lane_receive(lane, now, offset))
			mark_readable(worker, lane);
		deliver(worker, lane, now);
		if (waiting && lane->link->started_ns) /* the other half is armed, too: what is inside may be due earlier */
			deliver(worker, &lane->link->lanes[lane == &lane->link->lanes[0]], now);
	}
}

static void deliver_all(struct worker *worker, int64_t now)
{
	struct lane *lane;

	for (int i = 0; i < EVENTS; i++) { /* then look at the ports again */
		lane = deadlines_first(&worker->deadlines);
		if (!lane || lane->deadline_ns > now)
			return;
		deliver(worker, lane, now);
	}
}

/* Sleeping */

static int take_events(struct worker *worker, const struct timespec *timeout)
{
	struct epoll_event events[EVENTS];
	int count = epoll_pwait2(worker->epoll, events, EVENTS, timeout, NULL);
	bool orders = false;

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			mark_readable(worker, events[i].data.ptr);
		else
			orders = true;
	}
	if (orders) /* last: it may take away a lane that is among the events */
		mailbox_serve(&worker->mailbox, worker);
	return count;
}

/* When something is to be done, if nothing arrives before. */
static int64_t next_ns(const struct worker *worker)
{
	const struct lane *first = deadlines_first(&worker->deadlines);
	int64_t start_ns = worker->starts.next_ns;

	return first && first->deadline_ns < start_ns ? first->deadline_ns : start_ns;
}

/* Until there may be something to do; returns the time then. */
static int64_t wait_for_work(struct worker *worker)
{
	int64_t before = monotonic_ns(), next = next_ns(worker), wake = pace_wake_ns(&worker->pace, next, before), now;
	struct timespec timeout = {0};
	bool sleeps = !worker->readable && wake > before, in_vain;

	priority_keep(&worker->priority, before);
	if (sleeps && wake != TIME_NEVER) {
		timeout.tv_sec = (wake - before) / NS_PER_S;
		timeout.tv_nsec = (wake - before) % NS_PER_S;
	}
	in_vain = take_events(worker, sleeps && wake == TIME_NEVER ? NULL : &timeout) == 0;
	now = monotonic_ns();
	if (in_vain && sleeps)
		pace_woke(&worker->pace, now - wake);
	else if (in_vain && !worker->readable && next > before)
		pace_spun(&worker->pace, now - before);
	return now;
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!worker->stopping) {
		int64_t now = wait_for_work(worker);

		starts_pass(&worker->starts, now);
		receive_all(worker, now);
		deliver_all(worker, now);
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

static int watch(struct worker *worker, struct lane *lane)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = lane};

	for (const struct port *port = lane->in; port; port = port->strays)
		if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, port_descriptor(port), &event) < 0)
			return errno;
	return 0;
}

static void unwatch(struct worker *worker, const struct port *port)
{
	for (; port; port = port->strays)
		epoll_ctl(worker->epoll, EPOLL_CTL_DEL, port_descriptor(port), NULL);
}

static void forget_lane(struct worker *worker, struct lane *lane)
{
	struct lane **at = &worker->readable;

	unwatch(worker, lane->in);
	while (*at && *at != lane)
		at = &(*at)->next_readable;
	if (*at)
		*at = lane->next_readable;
	deadlines_remove(&worker->deadlines, lane);
}

static int learn_lane(struct worker *worker, struct lane *lane, int64_t now)
{
	int error = deadlines_add(&worker->deadlines, lane);

	if (error)
		return error;
	lane->polled_ns = now;
	error = watch(worker, lane);
	if (!error)
		return 0;
	unwatch(worker, lane->in);
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

static int arm(void *receiver, void *argument)
{
	struct arm_order *order = argument;
	struct worker *worker = receiver;
	int64_t now = monotonic_ns();
	int error = starts_reserve(&worker->starts, worker->starts.count + order->count);

	for (size_t i = 0; i < order->count && !error; i++)
		error = link_can_arm(order->links[i], order->t0, now);
	for (size_t i = 0; i < order->count && !error; i++)
		arm_link(worker, order->links[i], order->t0, now);
	return error;
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

int worker_arm(struct worker *worker, struct link *const *links, size_t count, int64_t t0)
{
	struct arm_order order = {.links = links, .count = count, .t0 = t0};

	return mailbox_post(&worker->mailbox, arm, &order);
}

int worker_trigger(struct worker *worker, struct link *link, enum trigger trigger)
{
	return order(worker, await_trigger, (struct link_order){.link = link, .trigger = trigger});
}

/* Beginning and end */

static int start_thread(struct worker *worker)
{
	struct epoll_event event = {.events = EPOLLIN}; /* data.ptr NULL: the mailbox */

	starts_init(&worker->starts);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0)
		return errno;
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->mailbox.eventfd, &event) < 0)
		return errno;
	return pthread_create(&worker->thread, NULL, run, worker);
}

static void release(struct worker *worker)
{
	if (worker->epoll >= 0)
		close(worker->epoll);
	mailbox_end(&worker->mailbox);
	starts_end(&worker->starts);
	free(worker->deadlines.heap);
	free(worker);
}

int worker_start(const struct worker_config *config, struct worker **out)
{
	struct worker_config settings = *config;
	struct worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return ENOMEM;
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
