/*
 * A worker with one link, whose ports and clocks are memory: a test says when frames arrive, what the clocks show, and when
 * the worker gets a CPU. The worker's own functions run as they are, one pass at a time, in the caller's thread; only the
 * ports are fakes, and the clock is the test's (-Dclock_gettime=fake_clock_gettime). Called from Python by ctypes.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "worker/orders.c"
#include "worker/worker.c"

#include "fake_super.h"

#define MTU 1500
#define RING_FRAMES 8192

static int64_t now_ns, wall_offset; /* the clock stands still during a pass, but for what comes while it is read */

int fake_clock_gettime(clockid_t clock, struct timespec *time)
{
	int64_t ns = clock == CLOCK_REALTIME ? now_ns + wall_offset : now_ns;

	time->tv_sec = ns / NS_PER_S;
	time->tv_nsec = ns % NS_PER_S;
	return 0;
}

/* Ports */

struct fake_frame {
	int64_t stamp_ns;
	uint32_t length;
	bool transport; /* UDP over IPv4; else of no protocol that there is */
};

struct fake_port {
	struct port port;
	struct port_back_end back_end;
	struct fake_frame frames[RING_FRAMES];
	uint64_t head;
	uint64_t tail;
};

static struct fake_port *passed_by; /* by one frame, followed by a stray, after it was read and before its strays are */

static const uint8_t udp[2048] = {[12] = 8, [14] = 0x45, [23] = 17}, other[2048] = {[12] = 0x88, [13] = 0xb5};

static void push(struct fake_port *port, int64_t at, uint32_t length, bool transport)
{
	int64_t stamp = port->back_end.wall_stamps ? at + wall_offset : at;

	port->frames[port->tail++ % RING_FRAMES] = (struct fake_frame){stamp, length, transport};
	eventfd_write(port->port.socket, 1);
}

static unsigned fake_receive(struct port *port, struct arrival *batch)
{
	struct fake_port *self = (struct fake_port *)port;
	unsigned count;

	if (passed_by && port == passed_by->port.strays) {
		push(passed_by, ++now_ns, 100, false);
		push(self, ++now_ns, 100, false);
		passed_by = NULL;
	}
	for (count = 0; count < PORT_BATCH && self->head + count < self->tail; count++) {
		const struct fake_frame *frame = &self->frames[(self->head + count) % RING_FRAMES];

		batch[count] = (struct arrival){.data = frame->transport ? udp : other, .stamp_ns = frame->stamp_ns,
			.length = frame->length, .whole = true, .first = true};
	}
	return count;
}

static struct frame *fake_take_room(struct port *port, uint32_t length)
{
	return pool_take(port->pool, length);
}

static void fake_give_room(struct port *port, struct frame *frame)
{
	pool_give(port->pool, frame);
}

static void fake_release(struct port *port, const struct arrival *batch, unsigned count)
{
	(void)batch;
	((struct fake_port *)port)->head += count;
}

static uint64_t fake_send(struct port *port, struct frame *const *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pool_give(port->pool, frames[i]);
	return UINT64_MAX;
}

static uint64_t fake_overruns(struct port *port)
{
	(void)port;
	return 0;
}

static void fake_close(struct port *port)
{
	close(port->socket);
	free(port);
}

static struct port *fake_port(struct pool *pool, bool wall_stamps, struct port *strays)
{
	struct fake_port *self = calloc(1, sizeof(*self));

	self->back_end = (struct port_back_end){.wall_stamps = wall_stamps, .receive = fake_receive, .take_room = fake_take_room,
		.give_room = fake_give_room, .release = fake_release, .send = fake_send, .new_overruns = fake_overruns,
		.close = fake_close};
	self->port = (struct port){.back_end = &self->back_end, .socket = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.longest = MTU + PORT_ETHERNET_HEAD, .pool = pool, .strays = strays};
	return &self->port;
}

/* The machine */

struct machine {
	struct budget budget;
	struct link link;
	struct link_stats stats;
	struct packet_log *log;
	struct worker worker;
};

/* What kind of ports a machine has. */
struct kind {
	bool wall_stamps;
	bool strays;
	bool super;
	int64_t coalesce_ns;
};

static struct port *make_port(struct pool *pool, const struct kind *kind)
{
	if (kind->super)
		return fake_super_port(pool, MTU + PORT_ETHERNET_HEAD);
	return fake_port(pool, kind->wall_stamps, kind->strays ? fake_port(pool, true, NULL) : NULL);
}

static void build(struct machine *machine, const struct half_config *config, const struct kind *kind)
{
	struct link *link = &machine->link;

	*link = (struct link){.stats = &machine->stats, .mtu = MTU, .t0_ns = TIME_NEVER, .pool = pool_new(&machine->budget),
		.patience = {.most_ns = kind->coalesce_ns}};
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &link->lanes[i];

		lane_set_half(lane, half_new(config));
		lane->link = link;
		lane->stats = &machine->stats.halves[i];
		lane->log = &machine->log->rings[i];
		lane->refresh_ns = lane->deadline_ns = TIME_NEVER;
		grid_init(&lane->grid);
		lane->in = link->lanes[1 - i].out = make_port(link->pool, kind);
	}
}

static void staff(struct worker *worker, struct link *link)
{
	mailbox_init(&worker->mailbox);
	readiness_init(&worker->readiness, worker->mailbox.eventfd);
	starts_init(&worker->starts);
	wall_init(&worker->wall);
	pace_init(&worker->pace, SPIN_OFF, 0, now_ns);
	for (int i = 0; i < 2; i++)
		learn_lane(worker, &link->lanes[i], now_ns);
}

/*
 * `rows` are five numbers each: time, delay, rate, queue, route. `strays`: each lane has a second port, which stamps by the wall clock
 * whatever the first does. `super`: ports have super-frames, and stamp by the wall clock.
 */
struct machine *machine_new(const int64_t *rows, size_t row_count, int64_t period_ns, uint32_t routes,
	enum capacity_unit unit, int64_t amount, int64_t full_frame, int64_t reconfiguration_ns, enum reconfiguration_mode mode,
	const char *discipline, const int64_t *values, int64_t key, int64_t now, bool wall_stamps, bool strays, bool super, int64_t coalesce_ns,
	int64_t budget_bytes)
{
	const struct kind kind = {wall_stamps, strays, super, coalesce_ns};
	struct machine *machine = calloc(1, sizeof(*machine));
	struct half_config config = {.capacity_unit = unit, .capacity_amount = amount, .full_frame = full_frame,
		.reconfiguration_ns = reconfiguration_ns, .reconfiguration_mode = mode, .key = (uint64_t)key};
	struct row *copy = calloc(row_count, sizeof(*copy));

	discipline_find(discipline, &config.queue.discipline);
	memcpy(config.queue.values, values, sizeof(config.queue.values));
	now_ns = now;
	wall_offset = INT64_C(1) << 60;
	for (size_t i = 0; i < row_count; i++, rows += 5)
		copy[i] = (struct row){.time_ns = rows[0], .delay_ns = rows[1], .rate_bps = rows[2], .queue_bytes = rows[3],
			.route = rows[4]};
	config.schedule = schedule_new(copy, row_count, period_ns, routes);
	machine->budget.left_bytes = budget_bytes;
	machine->log = calloc(1, sizeof(*machine->log));
	stats_reset(&machine->stats);
	build(machine, &config, &kind);
	schedule_release(config.schedule); /* the halves hold it */
	staff(&machine->worker, &machine->link);
	return machine;
}

void machine_free(struct machine *machine)
{
	struct link *link = &machine->link;

	for (int i = 0; i < 2; i++) {
		forget_lane(&machine->worker, &link->lanes[i]);
		while (half_drain(link->lanes[i].half))
			;
		half_free(link->lanes[i].half);
		if (link->lanes[i].in->strays)
			fake_close(link->lanes[i].in->strays);
		link->lanes[i].in->back_end->close(link->lanes[i].in);
	}
	readiness_end(&machine->worker.readiness);
	mailbox_end(&machine->worker.mailbox);
	starts_end(&machine->worker.starts);
	free(machine->worker.deadlines.heap);
	pool_free(link->pool);
	free(machine->log);
	free(machine);
}

/* A frame comes to a lane (0 up, 1 down), where tc let it stray or not, and is in the ring at once. False: that is full. */
bool machine_arrive(struct machine *machine, int lane, bool stray, int64_t at, uint32_t length, bool transport)
{
	struct port *port = machine->link.lanes[lane].in;
	struct fake_port *self = (struct fake_port *)(stray ? port->strays : port);

	if (self->tail - self->head == RING_FRAMES)
		return false;
	push(self, at, length, transport);
	return true;
}

/* A frame or super-frame comes to a lane of a machine with such ports. */
void machine_arrive_super(struct machine *machine, int lane, int64_t at, const uint8_t *data, uint32_t length,
	const uint8_t *virtio)
{
	fake_super_arrive(machine->link.lanes[lane].in, at + wall_offset, data, length, virtio);
}

/* The next that a lane of such a machine sent, as above; its length, 0 if there is none. */
uint32_t machine_take_super(struct machine *machine, int lane, uint8_t *data, uint8_t *virtio)
{
	return fake_super_take(machine->link.lanes[lane].out, data, virtio);
}

/* In the next pass, after the lane's port was read, a frame comes to it, then a stray, and only then are strays read. */
void machine_pass_by(struct machine *machine, int lane)
{
	passed_by = (struct fake_port *)machine->link.lanes[lane].in;
}

void machine_step_wall(int64_t step)
{
	wall_offset += step;
}

/*
 * The worker gets the CPU for one pass, in which it asks epoll, or has asked just before the last frames came. Returns when
 * it would go on by itself.
 */
int64_t machine_pass(struct machine *machine, int64_t now, bool asks)
{
	struct worker *worker = &machine->worker;

	now_ns = now;
	if (asks)
		ask(worker, now, now);
	pass(worker, start_due(worker, now));
	return worker->readiness.unread ? now : next_ns(worker);
}

int machine_arm(struct machine *machine, int64_t t0)
{
	struct link *link = &machine->link;
	struct arm_order order = {.links = &link, .count = 1, .t0 = t0};
	int error = reserve(&machine->worker, &order);

	return error ? error : arm(&machine->worker, &order);
}

void machine_trigger(struct machine *machine, enum trigger trigger)
{
	struct link_order order = {.link = &machine->link, .trigger = trigger};

	await_trigger(&machine->worker, &order);
}

int64_t machine_t0(const struct machine *machine)
{
	return machine->link.t0_ns;
}

int machine_note(struct machine *machine, int64_t t0, int64_t interval)
{
	struct link *link = &machine->link;
	struct note_order order = {.links = &link, .count = 1, .terms = {.t0_ns = t0, .interval_ns = interval}};

	return note(&machine->worker, &order);
}

/* Takes the next snapshot of a lane; its instant, 0 if there is none. */
int64_t machine_take(struct machine *machine, int lane, int64_t *from, uint64_t counters[COUNTERS], int64_t figures[FIGURES])
{
	struct snapshot snapshot;

	if (!snapshot_take(&machine->stats.halves[lane], &snapshot))
		return 0;
	*from = snapshot.from_ns;
	memcpy(counters, snapshot.counters, sizeof(snapshot.counters));
	memcpy(figures, snapshot.figures, sizeof(snapshot.figures));
	return snapshot.at_ns;
}

size_t machine_log(struct machine *machine, int lane, struct packet_record *records, size_t most)
{
	return packet_log_read(&machine->log->rings[lane], records, most);
}

void machine_counters(const struct machine *machine, int lane, uint64_t counters[COUNTERS])
{
	stats_read_counters(&machine->stats.halves[lane], counters);
}

uint64_t machine_lateness_ns(const struct machine *machine, int lane) /* the greatest */
{
	return machine->stats.halves[lane].lateness.max;
}
