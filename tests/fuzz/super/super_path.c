/*
 * A link with super-frames whose sockets are memory: what a stranger's TCP and UDP send in one piece, and any bytes, go
 * through port, lane, model and pool at times that the input chooses, are cut where the model drops or loses, and leave
 * merged. What leaves is divided again as a network card would (device.h, which has nothing of the product's): it must be
 * the segments that were handed over to be sent, each what a card would have made of what came, in order, but for a mark and for a bit
 * that the path flipped; each once, or twice where the path made a copy. What is said to have left must have, and what is
 * counted must add up.
 *
 * The input is a byte that chooses the link, one for `coalesce`, then steps of an operation byte and its operands; its end may
 * choose what the path does (chosen_half.h). offer.h has what is sent, sockets.h the made-up kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define take take_segment /* of the port, beside that of an input */
#include "offload/port.c"
#undef take

#include "chosen_half.h"
#include "device.h"
#include "path/lane.h"
#include "sockets.h"

#define BUDGET (8 * 1024 * 1024)
#define BYTES_MOST (4 << 20)
#define WAITING 64 /* that a socket holds */

static struct flow flows[2][8]; /* of each lane */
static uint32_t bytes_kept;

/* Around the port's own: which segments are handed over, and whether what it says of them is true. */
static void watched_send(struct port *port, struct frame *const *frames, unsigned count, struct sent *sent)
{
	struct way *way = &ways[port->socket == -1]; /* what leaves by one port came to the other */
	struct handed handed[PORT_SEND_MAX];

	for (unsigned i = 0; i < count; i++) {
		const struct packet *packet = &frames[i]->packet;
		struct message *message = sockets_message(way, frames[i]->number - 1);
		uint32_t segment = (uint32_t)(frames[i]->number - 1 - message->first);
		uint8_t once = packet->copy ? 2 : 1;

		REQUIRE(!(message->handed[segment] & once));
		message->handed[segment] |= once;
		REQUIRE(packet->due <= now_ns);
		handed[i] = (struct handed){message, segment, !segment_of(frames[i])->held, packet->corrupt, packet->marked, false};
	}
	sockets_expect(handed, count);
	send_segments(port, frames, count, sent);
	for (unsigned i = 0; i < count; i++)
		REQUIRE(sent_frame(sent, i) == handed[i].left);
	REQUIRE(sent->as_counted == sockets_taken());
}

/* Steps */

static void arrive(unsigned lane, struct input *input)
{
	struct way *way = &ways[lane];
	uint8_t kind = (uint8_t)take(input, 1);
	struct message *message = &way->messages[way->count];
	struct offer *offer = &message->offer;
	struct segments segments;
	bool read;

	if (way->count == MESSAGES || way->count - way->read >= WAITING || bytes_kept > BYTES_MOST)
		return;
	*message = (struct message){.stamp_ns = now_ns};
	if (kind & 8)
		offer_anything(offer, input);
	else
		offer_flow(offer, &flows[lane][kind & 7], kind & 7, input);
	read = offer->length >= PORT_ETHERNET_HEAD && offer->length <= HELD_MAX &&
		segments_read(offer->data, offer->length, &offer->virtio, &segments) &&
		segments_length(&segments, 0) + (kind & 64 ? 4 : 0) <= FAKE_LONGEST;
	message->segments = read ? segments.count : 0;
	REQUIRE(!read || device_count(offer->data, offer->length, &offer->virtio) == segments.count);
	if (kind & 64 && offer->length >= PORT_ETHERNET_HEAD)
		offer_tag(offer, (kind & 32 ? 0x88a8u : 0x8100u) << 16 | 5);
	message->first = way->segments;
	message->handed = calloc(1, message->segments + 1);
	way->segments += message->segments;
	way->count++;
	bytes_kept += offer->length;
}

static void happen(unsigned port, struct input *input)
{
	static const uint8_t errors[] = {0, ENOBUFS, EAGAIN, EINTR, EMSGSIZE, EINVAL, ENOMEM, 0};
	struct way *way = &ways[port];
	uint8_t what = (uint8_t)take(input, 1);

	if (what < 16) {
		way->down = true;
		way->receive_error = ENETDOWN;
	} else if (what < 64) {
		way->down = false;
	} else if (what == 64) {
		way->gone = true;
	} else {
		for (way->outcome_count = 0; way->outcome_count < what % OUTCOMES && input->at < input->end;)
			way->outcomes[way->outcome_count++] = errors[take(input, 1) % 8];
	}
}

static void step(struct link *link, struct wall *wall, struct input *input)
{
	uint8_t operation = take(input, 1), which = operation & 1;
	struct lane *lane = &link->lanes[which];
	uint64_t c[COUNTERS];

	switch (operation >> 1 & 7) {
	case 0: case 1: case 2:
		for (unsigned i = 1 + (operation >> 5); i; i--)
			arrive(which, input);
		break;
	case 3: case 4:
		lane_receive(lane, now_ns, wall);
		lane_deliver(lane, now_ns);
		REQUIRE(lane->slack_ns >= 0);
		for (unsigned i = 0; i < 2; i++) {
			REQUIRE(stats_read_counters(&link->stats->halves[i], c));
			REQUIRE(counters_unaccounted(c) == 0);
			REQUIRE(c[ARRIVED_PACKETS] <= ways[i].segments);
		}
		break;
	case 5:
		now_ns += take(input, 3) * INT64_C(100);
		break;
	case 6:
		if (!link_can_arm(link, now_ns + take(input, 2), now_ns))
			link_arm(link, now_ns + take(input, 2));
		break;
	case 7:
		happen(which, input);
		break;
	}
}

/* Beginning and end */

static struct port *make_port(int number, struct pool *pool)
{
	static struct port_back_end watched;
	static struct segment_functions watched_segments;
	struct super_port *self = calloc(1, sizeof(*self));

	watched = back_end;
	watched_segments = segments;
	watched_segments.send = watched_send;
	watched.segments = &watched_segments;
	self->port = (struct port){.back_end = &watched, .socket = -1 - number, .pool = pool, .longest = FAKE_LONGEST};
	REQUIRE(!super_receive_begin(&self->receive, pool, FAKE_LONGEST));
	self->send = super_send_new();
	return &self->port;
}

static void make_link(struct link *link, struct link_stats *stats, struct budget *budget, struct input *input)
{
	struct half_config config;
	uint8_t choice = take(input, 1), coalesce = take(input, 1);

	choose_half(&config, choice >> 1 & 31, input);
	config.reconfiguration_mode = choice & 1;
	*link = (struct link){.stats = stats, .mtu = FAKE_MTU, .overhead = choice >> 1 & 31, .trigger = choice >> 6,
		.t0_ns = TIME_NEVER, .pool = pool_new(budget), .patience = {.most_ns = coalesce * INT64_C(4000)}};
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &link->lanes[i];

		lane_set_half(lane, half_new(&config));
		lane->reads_headers = half_reads_headers(lane->half);
		lane->link = link;
		lane->stats = &stats->halves[i];
		lane->refresh_ns = TIME_NEVER;
		lane->in = link->lanes[1 - i].out = make_port(i, link->pool);
		grid_init(&lane->grid);
	}
	schedule_release(config.schedule); /* the halves hold it */
}

static void end_link(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &link->lanes[i];
		struct packet *packet;

		while ((packet = half_drain(lane->half)))
			port_give_room(lane->in, (struct frame *)packet);
		while (lane->gathering.count) {
			struct frame *frames[PORT_SEND_MAX];
			unsigned count = lane->gathering.count;

			gathering_take(&lane->gathering, frames);
			for (unsigned n = 0; n < count; n++)
				port_give_room(lane->in, frames[n]);
		}
		half_free(lane->half);
	}
	for (int i = 0; i < 2; i++) {
		super_receive_end(&((struct super_port *)link->lanes[i].in)->receive);
		free(((struct super_port *)link->lanes[i].in)->send);
		free(link->lanes[i].in);
		for (unsigned n = 0; n < ways[i].count; n++) {
			free(ways[i].messages[n].offer.data);
			free(ways[i].messages[n].handed);
		}
	}
	pool_free(link->pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	struct budget budget = {.left_bytes = BUDGET};
	struct link_stats *stats = calloc(1, sizeof(*stats));
	struct link *link = calloc(1, sizeof(*link));
	struct wall wall;

	now_ns = NS_PER_S;
	memset(ways, 0, sizeof(ways));
	memset(flows, 0, sizeof(flows));
	bytes_kept = 0;
	wall_init(&wall);
	stats_reset(stats);
	make_link(link, stats, &budget, &input);
	while (input.at < input.end)
		step(link, &wall, &input);
	end_link(link);
	REQUIRE(budget.left_bytes == BUDGET);
	free(link);
	free(stats);
	return 0;
}
