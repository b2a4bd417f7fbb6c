/*
 * A link whose ports are memory: a stranger's frames, of any length, with or without a VLAN tag that the kernel took out,
 * go through ring, lane, model and pool at times that the input chooses, and what is sent must be what came.
 *
 * The input is a configuration byte, then steps of an operation byte and its operands. What the kernel promises of a ring
 * slot (where the frame begins, that it ends within the slot) holds here, too; what a sender chooses does not. The back end
 * is packet_port.c's own but for sending, and the clock is the input's (-Dclock_gettime=fuzz_clock_gettime).
 */
#include "io/packet_port.c"

#include <stdio.h>

#include "path/clock.h"
#include "path/lane.h"

#define SLOTS 8 /* of each ring */
#define MAC_OFFSET 80
#define MTU 1500
#define BUDGET (256 * 1024) /* one chunk: once short frames have it, long ones find no memory, or the reverse */
#define KEPT 4096

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s does not hold\n", #condition); \
			abort(); \
		} \
	} while (0)

static int64_t now_ns;

int fuzz_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	time->tv_sec = now_ns / NS_PER_S;
	time->tv_nsec = now_ns % NS_PER_S;
	return 0;
}

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

static uint32_t take(struct input *input, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes-- && input->at < input->end)
		value = value << 8 | *input->at++;
	return value;
}

/* Sending: a sum over each frame must be one that came and was admitted; and some are refused. */

static uint32_t sums[KEPT];
static unsigned sum_count;
static uint8_t refusals;

static uint32_t sum(const uint8_t *data, uint32_t length)
{
	uint32_t hash = 2166136261u ^ length;

	for (uint32_t i = 0; i < length; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

static bool came(uint32_t wanted)
{
	for (unsigned i = 0; i < sum_count; i++)
		if (sums[i] == wanted)
			return true;
	return false;
}

static uint64_t fake_send(struct port *port, struct frame *const *frames, unsigned count)
{
	uint64_t sent = 0;

	for (unsigned i = 0; i < count; i++) {
		REQUIRE(frames[i]->length <= port->longest);
		REQUIRE(came(sum(frames[i]->data, frames[i]->length)));
		sent |= (uint64_t)!(refusals >> (i % 8) & 1) << i;
		pool_give(port->pool, frames[i]);
	}
	return sent;
}

static uint64_t no_overruns(struct port *port)
{
	(void)port;
	return 0;
}

static struct port_back_end fake_back_end;

static struct port *fake_port(struct pool *pool)
{
	struct packet_port *self = calloc(1, sizeof(*self));

	fake_back_end = back_end;
	fake_back_end.send = fake_send;
	fake_back_end.new_overruns = no_overruns;
	self->port = (struct port){.back_end = &fake_back_end, .socket = -1, .pool = pool};
	self->port.longest = MTU + PORT_ETHERNET_HEAD + 2 * PORT_VLAN_TAG;
	self->frame_bytes = 2048;
	self->frames_per_block = RING_BLOCK_BYTES / self->frame_bytes;
	self->frames = SLOTS;
	self->ring_bytes = SLOTS * self->frame_bytes;
	self->ring = calloc(1, self->ring_bytes);
	return &self->port;
}

/* The kernel's part: a frame into the next slot, if it is free. */
static void arrive(struct packet_port *self, unsigned *next, struct input *input)
{
	struct tpacket2_hdr *head = ring_frame(self, *next);
	uint32_t room = self->frame_bytes - MAC_OFFSET, length = take(input, 2) % (room + 64), seed = take(input, 1);
	uint8_t *data = (uint8_t *)head + MAC_OFFSET, whole[2048 + 64];
	uint32_t tag = take(input, 1) & 1 ? (ETH_P_8021Q + (take(input, 1) & 1) * (ETH_P_8021AD - ETH_P_8021Q)) : 0;

	if (head->tp_status & TP_STATUS_USER)
		return;
	*next = (*next + 1) % SLOTS;
	head->tp_mac = MAC_OFFSET;
	head->tp_len = length;
	head->tp_snaplen = length < room ? length : room;
	head->tp_sec = now_ns / NS_PER_S;
	head->tp_nsec = now_ns % NS_PER_S;
	for (uint32_t i = 0; i < head->tp_snaplen; i++)
		data[i] = input->at < input->end && i < 64 ? *input->at++ : (uint8_t)(seed + i);
	head->tp_vlan_tci = seed * 257;
	head->tp_vlan_tpid = tag;
	head->tp_status = TP_STATUS_USER | (tag ? TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID : 0);
	if (length < PORT_ETHERNET_HEAD || head->tp_snaplen < length || sum_count == KEPT)
		return;
	memcpy(whole, data, tag ? PORT_MAC_PAIR : length);
	if (tag) {
		uint32_t wire = htonl(tag << 16 | head->tp_vlan_tci);

		memcpy(whole + PORT_MAC_PAIR, &wire, sizeof(wire));
		memcpy(whole + PORT_MAC_PAIR + sizeof(wire), data + PORT_MAC_PAIR, length - PORT_MAC_PAIR);
	}
	sums[sum_count++] = sum(whole, length + (tag ? PORT_VLAN_TAG : 0));
}

static void check(const struct link_stats *stats)
{
	for (int i = 0; i < 2; i++) {
		uint64_t c[COUNTERS];

		REQUIRE(stats_read_counters(&stats->halves[i], c));
		REQUIRE(c[ARRIVED_PACKETS] == c[DELIVERED_PACKETS] + c[QUEUE_FULL_PACKETS] + c[LOST_SEND] + c[LOST_MEMORY] +
			c[LOST_LATE] + c[QUEUE_PACKETS] + c[IN_FLIGHT_PACKETS]);
	}
}

static void step(struct link *link, struct wall *wall, unsigned next[2], struct input *input)
{
	uint8_t operation = take(input, 1);
	struct lane *lane = &link->lanes[operation & 1];

	switch (operation >> 1 & 7) {
	case 0: case 1: case 2:
		arrive((struct packet_port *)lane->in, &next[operation & 1], input);
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
		refusals = take(input, 1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct row rows[] = {{0, 0, 1000000, 100000000, -1}, {1000000, 1, 50000, RATE_UNLIMITED, -1},
		{3000000, 0, 0, 0, 4000}, {5000000, 1, 2000000, 10000000, 0}};
	struct row *copy = memcpy(malloc(sizeof(rows)), rows, sizeof(rows));
	struct input input = {data, data + size};
	struct budget budget = {.left_bytes = BUDGET};
	struct half_config config = {.schedule = schedule_new(copy, 4, 7000000, 2), .capacity_unit = CAPACITY_PACKETS, .capacity_amount = 600, .full_frame = 1514, .reconfiguration_ns = 200000};
	struct link_stats *stats = calloc(1, sizeof(*stats));
	struct link *link = calloc(1, sizeof(*link));
	unsigned next[2] = {0, 0};
	struct wall wall;
	uint8_t choice = take(&input, 1);

	now_ns = NS_PER_S;
	sum_count = refusals = 0;
	wall_init(&wall);
	stats_reset(stats);
	config.reconfiguration_mode = choice & 1;
	*link = (struct link){.stats = stats, .mtu = MTU, .overhead = choice >> 1 & 31, .trigger = choice >> 6,
		.t0_ns = TIME_NEVER, .pool = pool_new(&budget)};
	for (int i = 0; i < 2; i++) {
		struct port *port = fake_port(link->pool);

		link->lanes[i].half = half_new(&config);
		link->lanes[i].link = link;
		link->lanes[i].stats = &stats->halves[i];
		link->lanes[i].refresh_ns = TIME_NEVER;
		link->lanes[i].in = link->lanes[1 - i].out = port;
	}
	while (input.at < input.end)
		step(link, &wall, next, &input);
	for (int i = 0; i < 2; i++) {
		struct packet_port *port = (struct packet_port *)link->lanes[i].in;

		while (half_drain(link->lanes[i].half))
			;
		half_free(link->lanes[i].half);
		free(port->ring);
		free(port);
	}
	schedule_release(config.schedule);
	pool_free(link->pool);
	REQUIRE(budget.left_bytes == BUDGET);
	free(link);
	free(stats);
	return 0;
}
