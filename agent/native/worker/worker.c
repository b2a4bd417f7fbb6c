/* See worker.h. One pass of the loop: sleep or not, read what arrived, deliver what is due. */
#include "worker/worker_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "path/clock.h"

#define LANES_A_PASS 64 /* that are delivered before the ports are looked at again */

/* Working */

static void deliver(struct worker *worker, struct lane *lane, int64_t now)
{
	lane_deliver(lane, now);
	deadlines_update(&worker->deadlines, lane);
}

unsigned worker_receive(struct worker *worker, struct lane *lane, int64_t now)
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
		unsigned frames = worker_receive(worker, lane, now);

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

		if (!lane || lane->deadline_ns - lane->slack_ns > now)
			return i;
		if (lane->known_ns < now) {
			*all += worker_receive(worker, lane, now);
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

/* So much before `next` whoever is next is content, too. */
static int64_t slack_ns(const struct worker *worker, int64_t next)
{
	const struct lane *first = deadlines_first(&worker->deadlines);

	return first && first->deadline_ns == next ? first->slack_ns : 0;
}

static struct timespec span(int64_t now, int64_t until)
{
	int64_t ns = until > now && until != TIME_NEVER ? until - now : 0;

	return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

/* Until epoll tells of something, or until `wake`; false: it told of nothing. */
static bool ask(struct worker *worker, int64_t now, int64_t wake)
{
	struct timespec timeout = span(now, wake);
	bool orders;
	int count;

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

/* How the worker means to wait, from `before` on. */
struct rest {
	int64_t before;
	int64_t next; /* when something is to be done */
	int64_t wake; /* when it means to wake */
	bool awake;   /* it must not sleep */
	bool beats;   /* it wakes only so that it is heard */
	bool untold;  /* it is not told of frames */
	bool sleeps;
};

static struct rest plan_rest(struct worker *worker, int64_t before)
{
	struct rest rest = {.before = before, .next = next_ns(worker), .awake = stays_awake(worker)};
	int64_t unread_ns = pace_unread_ns(&worker->pace, worker->unread_ns, before);

	rest.untold = unread_ns > 0 && !worker->readiness.unread;
	rest.wake = pace_wake_ns(&worker->pace, rest.next, slack_ns(worker, rest.next), before);
	if (rest.untold)
		rest.wake = smaller(rest.wake, before + unread_ns);
	rest.beats = rest.wake > before + BEAT_NS;
	if (rest.beats)
		rest.wake = before + BEAT_NS;
	rest.sleeps = rest.wake > before && (rest.untold || readiness_may_sleep(&worker->readiness)) && !rest.awake;
	return rest;
}

/* Sleeps or does not; whether epoll told of anything. */
static bool carry_out_rest(struct worker *worker, const struct rest *rest)
{
	struct timespec timeout = span(rest->before, rest->wake);

	if (!rest->sleeps)
		return readiness_should_ask(&worker->readiness, rest->before) && ask(worker, rest->before, rest->before);
	if (!rest->untold)
		return ask(worker, rest->before, rest->wake);
	readiness_sleep_untold(&worker->readiness, &timeout);
	return ask(worker, rest->before, rest->before);
}

/* Until there may be something to do; returns the time then. */
static int64_t wait_for_work(struct worker *worker)
{
	struct rest rest = plan_rest(worker, gather(worker));
	bool told;
	int64_t now;

	priority_keep(&worker->priority, rest.before);
	heartbeat_rest(&worker->heartbeat, rest.before, rest.sleeps ? rest.wake : rest.before, rest.beats ? BEAT_SLACK_NS : 0);
	told = carry_out_rest(worker, &rest);
	if (rest.awake)
		priority_yield(&worker->priority);
	now = monotonic_ns();
	if (rest.sleeps && !rest.beats && (rest.untold ? now >= rest.wake : !told))
		pace_woke(&worker->pace, now - rest.wake);
	else if (!told && rest.next > rest.before)
		pace_spun(&worker->pace, now - (worker->idle_ns ? worker->idle_ns : rest.before));
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

/* Beginning and end */

static int settle(void *receiver, void *argument)
{
	const struct worker_config *config = argument;
	struct worker *worker = receiver;
	int64_t now = monotonic_ns();

	pace_init(&worker->pace, config->spin, config->spin_share, now);
	priority_take(&worker->priority, &config->priority, now);
	return worker->priority.cpu_error;
}

static int stop(void *receiver, void *argument)
{
	(void)argument;
	((struct worker *)receiver)->stopping = true;
	return 0;
}

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
