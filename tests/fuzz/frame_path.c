/*
 * A link whose ports are memory: a stranger's frames, of any length, with or without a VLAN tag that the kernel took out,
 * go through ring, lane, model and pool at times that the input chooses, and out by sockets that fail as it chooses. What
 * leaves must be what came, once, and when it is sent or never; and what is counted must be what left.
 *
 * The input is a configuration byte, then steps of an operation byte and its operands. What the kernel promises of a ring
 * slot (where the frame begins, that it ends within the slot) holds here, too; what a sender chooses does not. The back end
 * is the product's own, the kernel behind it a fake (fake_port.h), and the clock is the input's.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_port.h"
#include "path/clock.h"
#include "path/headers.h"
#include "path/lane.h"

#define BUDGET (1024 * 1024) /* few chunks of the pool: once short frames have them, long ones find no memory, or the reverse */
#define KEPT 4096
#define NUMBER_BYTES 4 /* of a frame's own number, at its beginning */

static int64_t now_ns;

int fuzz_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	time->tv_sec = now_ns / NS_PER_S;
	time->tv_nsec = now_ns % NS_PER_S;
	return 0;
}

/* What came, and what left */

enum stage { CAME, BEING_SENT, LEFT, OVER };

static struct {
	uint32_t sum;
	uint32_t marked_sum; /* with CE set, if that is possible */
	enum stage stage;
} frames[KEPT];
static unsigned frame_count;

static uint32_t sum(const uint8_t *data, uint32_t length)
{
	uint32_t hash = 2166136261u ^ length;

	for (uint32_t i = 0; i < length; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

static uint32_t number_of(const uint8_t *data)
{
	uint32_t number;

	memcpy(&number, data, NUMBER_BYTES);
	REQUIRE(number < frame_count);
	return number;
}

void frame_left(const uint8_t *data, uint32_t length)
{
	uint32_t number = number_of(data);

	REQUIRE(length <= FAKE_LONGEST);
	REQUIRE(sum(data, length) == frames[number].sum || sum(data, length) == frames[number].marked_sum);
	REQUIRE(frames[number].stage == BEING_SENT);
	frames[number].stage = LEFT;
}

/* Around the back end's own: only these frames may leave now, and it says which did. */
static uint64_t (*real_send)(struct port *port, struct frame *const *frames, unsigned count);

static uint64_t watched_send(struct port *port, struct frame *const *due, unsigned count)
{
	uint32_t numbers[PORT_BATCH];
	uint64_t said, left = 0;

	for (unsigned i = 0; i < count; i++) {
		numbers[i] = number_of(due[i]->data);
		REQUIRE(frames[numbers[i]].stage == CAME);
		frames[numbers[i]].stage = BEING_SENT;
	}
	said = real_send(port, due, count);
	for (unsigned i = 0; i < count; i++) {
		left |= (uint64_t)(frames[numbers[i]].stage == LEFT) << i;
		frames[numbers[i]].stage = OVER;
	}
	REQUIRE(fake_is_exact(port) ? said == left : __builtin_popcountll(said) <= __builtin_popcountll(left));
	return said;
}

/* A frame's number, then what the input says, then anything; a tag is no part of it yet. */
static void arrive(struct port *port, struct input *input)
{
	uint32_t length = take(input, 2) % (2048 + 64), seed = take(input, 1), chosen = take(input, 1) % 64, tag = 0;
	uint8_t frame[2048 + 64 + PORT_VLAN_TAG];
	uint32_t whole = length;

	if (take(input, 1) & 1 && port->back_end->wall_stamps)
		tag = (take(input, 1) & 1 ? 0x88a8u : 0x8100u) << 16 | (seed * 257);
	if (frame_count == KEPT || length < PORT_ETHERNET_HEAD)
		return;
	for (uint32_t i = 0; i < length; i++)
		frame[i] = input->at < input->end && i < chosen ? *input->at++ : (uint8_t)(seed + i);
	memcpy(frame, &frame_count, NUMBER_BYTES);
	if (!fake_arrive(port, frame, length, tag, now_ns))
		return;
	if (tag) {
		uint32_t wire = htonl(tag);

		memmove(frame + PORT_MAC_PAIR + PORT_VLAN_TAG, frame + PORT_MAC_PAIR, length - PORT_MAC_PAIR);
		memcpy(frame + PORT_MAC_PAIR, &wire, PORT_VLAN_TAG);
		whole += PORT_VLAN_TAG;
	}
	frames[frame_count].sum = sum(frame, whole);
	headers_mark_ce(frame, whole);
	frames[frame_count].marked_sum = sum(frame, whole);
	frames[frame_count++].stage = CAME;
}

/* Steps */

static void check(struct link_stats *stats)
{
	for (int i = 0; i < 2; i++) {
		uint64_t c[COUNTERS];
		struct snapshot snapshot;

		REQUIRE(stats_read_counters(&stats->halves[i], c));
		REQUIRE(counters_unaccounted(c) == 0);
		while (snapshot_take(&stats->halves[i], &snapshot)) {
			REQUIRE(snapshot.from_ns <= snapshot.at_ns && snapshot.at_ns < now_ns);
			REQUIRE(counters_unaccounted(snapshot.counters) == 0);
		}
	}
}

static void step(struct link *link, struct wall *wall, struct input *input)
{
	uint8_t operation = take(input, 1);
	struct lane *lane = &link->lanes[operation & 1];

	switch (operation >> 1 & 7) {
	case 0: case 1: case 2:
		for (unsigned i = 1 + (operation >> 4); i; i--)
			arrive(lane->in, input);
		break;
	case 3: case 4:
		lane_receive(lane, now_ns, wall);
		lane_deliver(lane, now_ns);
		check(link->stats);
		break;
	case 5:
		now_ns += take(input, 3) * INT64_C(100);
		break;
	case 6:
		if (!link_can_arm(link, now_ns + take(input, 2), now_ns))
			link_arm(link, now_ns + take(input, 2));
		break;
	case 7:
		fake_happen(lane->in, input);
		break;
	}
}

/* Beginning and end */

static struct schedule *new_schedule(void)
{
	static const struct row rows[] = {
		{.route = 0, .delay_ns = 1000000, .rate_bps = 100000000, .queue_bytes = -1},
		{.time_ns = 1000000, .route = 1, .delay_ns = 50000, .rate_bps = RATE_UNLIMITED, .queue_bytes = -1},
		{.time_ns = 3000000, .queue_bytes = 4000},
		{.time_ns = 5000000, .route = 1, .delay_ns = 2000000, .rate_bps = 10000000}};

	return schedule_new(memcpy(malloc(sizeof(rows)), rows, sizeof(rows)), 4, 7000000, 2);
}

/* Every fourth link has drop-tail; the others' parameters are half-way between their bounds, or small: a millisecond or two. */
static void choose_discipline(struct queue_config *config, unsigned choice)
{
	unsigned count = 0;

	while (disciplines[count])
		count++;
	if (choice % 4 == 0)
		return;
	config->discipline = disciplines[choice / 4 % count];
	for (const struct parameter *p = config->discipline->parameters; p && p->name; p++) {
		int64_t small = p->least + (choice % 4 - 1) * INT64_C(1000000);

		config->values[p - config->discipline->parameters] =
			choice % 4 == 1 ? p->least + (p->most - p->least) / 2 : small < p->most ? small : p->most;
	}
}

static void make_link(struct link *link, struct link_stats *stats, struct budget *budget, struct port *ports[2],
	struct input *input)
{
	struct half_config config = {.schedule = new_schedule(), .capacity_unit = CAPACITY_PACKETS, .capacity_amount = 600,
		.full_frame = 1514, .reconfiguration_ns = 200000};
	static struct port_back_end watched;
	uint8_t choice = take(input, 1);

	config.reconfiguration_mode = choice & 1;
	choose_discipline(&config.queue, choice >> 1 & 31);
	*link = (struct link){.stats = stats, .mtu = FAKE_MTU, .overhead = choice >> 1 & 31, .trigger = choice >> 6,
		.t0_ns = TIME_NEVER, .pool = pool_new(budget)};
	fake_ports_open(ports, link->pool, budget, input);
	watched = *ports[0]->back_end;
	real_send = watched.send;
	watched.send = watched_send;
	for (int i = 0; i < 2; i++) {
		ports[i]->back_end = &watched;
		link->lanes[i].half = half_new(&config);
		link->lanes[i].reads_headers = half_reads_headers(link->lanes[i].half);
		link->lanes[i].link = link;
		link->lanes[i].stats = &stats->halves[i];
		link->lanes[i].refresh_ns = TIME_NEVER;
		link->lanes[i].in = link->lanes[1 - i].out = ports[i];
		grid_init(&link->lanes[i].grid);
		lane_note(&link->lanes[i], &(struct grid_terms){.t0_ns = now_ns + 1000, .interval_ns = 50000, .delay_ns = 1000 * i,
			.quiet_ns = 1000000, .first_quiet_ns = 500000});
	}
	schedule_release(config.schedule); /* the halves hold it */
}

static void end_link(struct link *link, struct port *ports[2])
{
	for (int i = 0; i < 2; i++) {
		struct packet *packet;

		while ((packet = half_drain(link->lanes[i].half)))
			port_give_room(ports[i], (struct frame *)packet);
		half_free(link->lanes[i].half);
	}
	fake_ports_close(ports);
	pool_free(link->pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	struct budget budget = {.left_bytes = BUDGET};
	struct link_stats *stats = calloc(1, sizeof(*stats));
	struct link *link = calloc(1, sizeof(*link));
	struct port *ports[2];
	struct wall wall;

	now_ns = NS_PER_S;
	frame_count = 0;
	wall_init(&wall);
	stats_reset(stats);
	make_link(link, stats, &budget, ports, &input);
	while (input.at < input.end)
		step(link, &wall, &input);
	end_link(link, ports);
	REQUIRE(budget.left_bytes == BUDGET);
	free(link);
	free(stats);
	return 0;
}
