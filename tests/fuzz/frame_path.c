/*
 * A link whose ports are memory: a stranger's frames, of any length, with or without a VLAN tag that the kernel took out,
 * go through ring, lane, model and pool at times that the input chooses, and out by sockets that fail as it chooses. What
 * leaves must be what came, but for a bit that the path flipped, once, or twice where the path made a copy, and when it is
 * sent or never; and what is counted must be what left.
 *
 * The input is a configuration byte, then steps of an operation byte and its operands; its end may choose what the path does
 * (chosen_half.h). What the kernel promises of a ring
 * slot (where the frame begins, that it ends within the slot) holds here, too; what a sender chooses does not. The back end
 * is the product's own, the kernel behind it a fake (fake_port.h), and the clock is the input's.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chosen_half.h"
#include "fake_port.h"
#include "path/clock.h"
#include "frames/headers.h"
#include "path/lane.h"

#define BUDGET (1024 * 1024) /* few chunks of the pool: once short frames have them, long ones find no memory, or the reverse */
#define KEPT 4096
#define NUMBER_BYTES 4 /* of a frame's own number, at its beginning */

/* What came, and what left */

static struct seen {
	uint32_t length;
	uint8_t data[2048 + 64 + PORT_VLAN_TAG];
	uint8_t marked[2048 + 64 + PORT_VLAN_TAG]; /* the same with CE set, if that is possible */
	bool handed[2];     /* to the back end: it, its copy */
	uint8_t being_sent; /* of both, now */
	uint8_t left;       /* of those */
	uint8_t said;       /* to have left */
} frames[KEPT];
static unsigned frame_count;

static uint32_t number_of(const uint8_t *data)
{
	uint32_t number;

	memcpy(&number, data, NUMBER_BYTES);
	REQUIRE(number < frame_count);
	return number;
}

/* Whether a frame may be what became of another: marked or not, and with one bit behind the header flipped if it is corrupt. */
static bool came_from(const uint8_t *data, uint32_t length, uint32_t number, bool corrupt)
{
	unsigned flipped = corrupt && length > PORT_ETHERNET_HEAD;

	return length == frames[number].length && !memcmp(data, frames[number].data, PORT_ETHERNET_HEAD) &&
		(bits_apart(data, frames[number].data, length) == flipped ||
			bits_apart(data, frames[number].marked, length) == flipped);
}

void frame_left(const uint8_t *data, uint32_t length)
{
	uint32_t number = number_of(data);

	REQUIRE(length <= FAKE_LONGEST);
	REQUIRE(came_from(data, length, number, false) || came_from(data, length, number, true));
	REQUIRE(frames[number].being_sent > frames[number].left);
	frames[number].left++;
}

/* Around the back end's own: only these frames may leave now, and it says which did. */
static uint64_t (*real_send)(struct port *port, struct frame *const *frames, unsigned count);

static uint64_t watched_send(struct port *port, struct frame *const *due, unsigned count)
{
	uint32_t numbers[PORT_BATCH];
	unsigned left = 0;
	uint64_t said;

	for (unsigned i = 0; i < count; i++) {
		bool *handed;

		numbers[i] = number_of(due[i]->data);
		handed = &frames[numbers[i]].handed[due[i]->packet.copy];
		REQUIRE(!*handed);
		REQUIRE(came_from(due[i]->data, due[i]->length, numbers[i], due[i]->packet.corrupt));
		*handed = true;
		frames[numbers[i]].being_sent++;
	}
	said = real_send(port, due, count);
	for (unsigned i = 0; i < count; i++)
		frames[numbers[i]].said += said >> i & 1;
	for (unsigned i = 0; i < count; i++) { /* a frame and its copy count together: they look the same */
		struct seen *seen = &frames[numbers[i]];

		REQUIRE(!fake_is_exact(port) || seen->said == seen->left);
		left += seen->left;
		seen->being_sent = seen->left = seen->said = 0;
	}
	REQUIRE((unsigned)__builtin_popcountll(said) <= left);
	return said;
}

static void keep(struct seen *seen, const uint8_t *frame, uint32_t length)
{
	seen->length = length;
	memcpy(seen->data, frame, length);
	memcpy(seen->marked, frame, length);
	headers_mark_ce(seen->marked, length);
	seen->handed[0] = seen->handed[1] = false;
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
	keep(&frames[frame_count++], frame, whole);
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

static void make_link(struct link *link, struct link_stats *stats, struct budget *budget, struct port *ports[2],
	struct input *input)
{
	static struct port_back_end watched;
	struct half_config config;
	uint8_t choice = take(input, 1);

	choose_half(&config, choice >> 1 & 31, input);
	config.reconfiguration_mode = choice & 1;
	*link = (struct link){.stats = stats, .mtu = FAKE_MTU, .overhead = choice >> 1 & 31, .trigger = choice >> 6,
		.t0_ns = TIME_NEVER, .pool = pool_new(budget)};
	fake_ports_open(ports, link->pool, budget, input);
	watched = *ports[0]->back_end;
	real_send = watched.send;
	watched.send = watched_send;
	for (int i = 0; i < 2; i++) {
		ports[i]->back_end = &watched;
		lane_set_half(&link->lanes[i], half_new(&config));
		REQUIRE(link->lanes[i].half);
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
