/*
 * A link with super-frames whose sockets are memory: what a stranger's TCP and UDP send in one piece, and any bytes, go
 * through port, lane, model and pool at times that the input chooses, are cut where the model drops or loses, and leave
 * merged. What leaves is divided again as a network card would (device.h, which has nothing of the product's): it must be
 * the segments that were handed over to be sent, each what a card would have made of what came, in order, but for a mark and for a bit
 * that the path flipped; each once, or twice where the path made a copy. What is said to have left must have, and what is
 * counted must add up.
 *
 * The input is a byte that chooses the link, one for `coalesce`, then steps of an operation byte and its operands; its end may
 * choose what the path does (chosen_half.h). The kernel keeps its promises: a partial checksum covers the pseudo-header, and what it says
 * it has looked at is right.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define take take_segment /* of the port, beside that of an input */
#include "offload/port.c"
#undef take

#include "chosen_half.h"
#include "device.h"
#include "frames/headers.h"
#include "frames/parse.h"
#include "path/clock.h"
#include "path/lane.h"

#define BUDGET (8 * 1024 * 1024)
#define MESSAGES 256     /* that a lane is sent */
#define BYTES_MOST (4 << 20)
#define WAITING 64       /* that a socket holds */
#define OUTCOMES 64
#define SIZE_MOST (HELD_MAX + 64)

static int64_t now_ns;

int fuzz_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	time->tv_sec = now_ns / NS_PER_S;
	time->tv_nsec = now_ns % NS_PER_S;
	return 0;
}

/* What came */

struct message {
	uint8_t *data; /* as it is on the wire, with a tag that the kernel takes out */
	uint32_t length;
	uint32_t tag;
	int64_t stamp_ns;
	struct virtio_net_hdr virtio;
	uint32_t segments;  /* 0: it is not whole */
	uint64_t first;     /* the number of its first segment */
	uint8_t *handed;    /* of each: to be sent; 2: its copy */
};

static struct way { /* one for each lane; the socket of its `in` is -1 - i */
	struct message messages[MESSAGES];
	unsigned count;
	unsigned read; /* by the product */
	uint64_t segments;
	int receive_error; /* told once */
	bool down;
	bool gone;
	uint8_t outcomes[OUTCOMES];
	unsigned outcome_count;
} ways[2];
static uint32_t bytes_kept;

static struct message *message_of(struct way *way, uint64_t number)
{
	for (unsigned i = way->count; i--;)
		if (way->messages[i].segments && way->messages[i].first <= number) {
			REQUIRE(number < way->messages[i].first + way->messages[i].segments);
			return &way->messages[i];
		}
	REQUIRE(!"a segment that came");
	return NULL;
}

static void put_control(struct msghdr *head, const struct message *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(head);
	struct timespec stamp = {.tv_sec = message->stamp_ns / NS_PER_S, .tv_nsec = message->stamp_ns % NS_PER_S};
	struct tpacket_auxdata auxiliary = {.tp_vlan_tci = (uint16_t)message->tag, .tp_vlan_tpid = (uint16_t)(message->tag >> 16),
		.tp_status = message->tag ? TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID : 0};

	*control = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_TIMESTAMPNS, .cmsg_len = CMSG_LEN(sizeof(stamp))};
	memcpy(CMSG_DATA(control), &stamp, sizeof(stamp));
	control = (struct cmsghdr *)((uint8_t *)control + CMSG_ALIGN(control->cmsg_len));
	*control = (struct cmsghdr){.cmsg_level = SOL_PACKET, .cmsg_type = PACKET_AUXDATA, .cmsg_len = CMSG_LEN(sizeof(auxiliary))};
	memcpy(CMSG_DATA(control), &auxiliary, sizeof(auxiliary));
}

int fuzz_recvmmsg(int socket, struct mmsghdr *heads, unsigned count, int flags, struct timespec *timeout)
{
	struct way *way = &ways[-1 - socket];
	unsigned i;

	REQUIRE(flags == (MSG_DONTWAIT | MSG_TRUNC) && !timeout && count);
	if ((errno = way->receive_error)) {
		way->receive_error = 0;
		return -1;
	}
	for (i = 0; i < count && way->read < way->count; i++) {
		struct message *message = &way->messages[way->read++];
		struct iovec *pieces = heads[i].msg_hdr.msg_iov;
		uint32_t fits = message->length < pieces[1].iov_len ? message->length : (uint32_t)pieces[1].iov_len;
		uint8_t *kept = pieces[1].iov_base;

		REQUIRE(pieces[0].iov_len == sizeof(message->virtio));
		memcpy(pieces[0].iov_base, &message->virtio, sizeof(message->virtio));
		memcpy(kept, message->data, fits);
		if (message->tag) { /* which the kernel shows beside the frame */
			fits = fits < message->length - 4 ? fits : message->length - 4;
			memmove(kept + 12, message->data + 16, fits - 12);
			if (message->virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
				((struct virtio_net_hdr *)pieces[0].iov_base)->csum_start -= 4;
		}
		heads[i].msg_hdr.msg_flags = message->length - (message->tag ? 4 : 0) > pieces[1].iov_len ? MSG_TRUNC : 0;
		heads[i].msg_len = (unsigned)sizeof(message->virtio) + message->length - (message->tag ? 4 : 0);
		put_control(&heads[i].msg_hdr, message);
	}
	errno = EAGAIN;
	return i ? (int)i : -1;
}

int fuzz_getsockopt(int socket, int level, int option, void *value, socklen_t *length)
{
	REQUIRE(socket < 0 && level == SOL_PACKET && option == PACKET_STATISTICS);
	memset(value, 0, *length);
	return 0;
}

/* What leaves */

static struct handed { /* over to be sent, in this call */
	struct message *message;
	uint32_t segment;
	bool lost;    /* there was no memory to change it */
	bool corrupt;
	bool marked;
	bool left;
} handed[PORT_SEND_MAX];
static unsigned handed_count;
static struct parcels { /* of this call */
	struct mmsghdr *first;
	unsigned from[PORT_SEND_MAX + 1]; /* the first of those that it has, of `handed` */
	unsigned taken;
} parcels;

static unsigned bits_apart(const uint8_t *a, const uint8_t *b, uint32_t length)
{
	unsigned bits = 0;

	for (uint32_t i = 0; i < length; i++)
		bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return bits;
}

/* Whether a frame is what a card would have made of the segment, marked, and with its bit flipped, if it is to be. */
static bool is_segment(const uint8_t *frame, uint32_t length, const struct handed *of)
{
	static uint8_t expected[SIZE_MOST];
	unsigned flipped = of->corrupt && length > PORT_ETHERNET_HEAD;

	for (unsigned zero = 0; zero <= 0xffff; zero += 0xffff) {
		const struct message *message = of->message;
		uint32_t made = device_segment(message->data, message->length, &message->virtio, of->segment, (uint16_t)zero, expected);

		if (of->marked)
			headers_mark_ce(expected, made);
		if (made == length && !memcmp(frame, expected, PORT_ETHERNET_HEAD) && bits_apart(frame, expected, length) == flipped)
			return true;
	}
	return false;
}

static bool is_segment_in_any_form(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio, uint32_t i,
	const struct handed *of)
{
	static uint8_t frame[SIZE_MOST];

	for (unsigned zero = 0; zero <= 0xffff; zero += 0xffff)
		if (is_segment(frame, device_segment(data, length, virtio, i, (uint16_t)zero, frame), of))
			return true;
	return false;
}

static unsigned next_handed(unsigned i)
{
	while (i < handed_count && handed[i].lost)
		i++;
	return i;
}

/* Divides all that is to leave, and holds it to what was handed over. */
static void look_at(struct mmsghdr *messages, unsigned count)
{
	static uint8_t data[SIZE_MOST];
	unsigned at = next_handed(0);

	parcels.first = messages;
	for (unsigned n = 0; n < count; n++) {
		const struct msghdr *head = &messages[n].msg_hdr;
		struct virtio_net_hdr virtio;
		uint32_t length = 0, segments;

		REQUIRE(head->msg_iov[0].iov_len == sizeof(virtio));
		memcpy(&virtio, head->msg_iov[0].iov_base, sizeof(virtio));
		for (size_t piece = 1; piece < head->msg_iovlen; piece++) {
			REQUIRE(length + head->msg_iov[piece].iov_len <= sizeof(data));
			memcpy(data + length, head->msg_iov[piece].iov_base, head->msg_iov[piece].iov_len);
			length += (uint32_t)head->msg_iov[piece].iov_len;
		}
		parcels.from[n] = at;
		segments = device_count(data, length, &virtio);
		for (uint32_t i = 0; i < segments; i++, at = next_handed(at + 1)) {
			REQUIRE(at < handed_count);
			REQUIRE(is_segment_in_any_form(data, length, &virtio, i, &handed[at]));
		}
	}
	REQUIRE(at == handed_count);
	parcels.from[count] = at;
}

static int refusal(struct way *way)
{
	if (way->gone || way->down)
		return way->gone ? ENXIO : ENETDOWN;
	return way->outcome_count ? way->outcomes[--way->outcome_count] : 0;
}

int fuzz_sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags)
{
	struct way *way = &ways[-1 - socket];

	REQUIRE(flags == MSG_DONTWAIT && count);
	if (!parcels.first)
		look_at(messages, count);
	for (unsigned i = 0; i < count; i++) {
		unsigned n = (unsigned)(messages - parcels.first) + i;
		int error = refusal(way);

		if (error) {
			errno = error;
			return i ? (int)i : -1;
		}
		for (unsigned k = parcels.from[n]; k < parcels.from[n + 1]; k++)
			handed[k].left = !handed[k].lost;
		parcels.taken++;
	}
	return (int)count;
}

/* Around the port's own: which segments are handed over, and whether what it says of them is true. */
static void watched_send(struct port *port, struct frame *const *frames, unsigned count, struct sent *sent)
{
	struct way *way = &ways[port->socket == -1]; /* what leaves by one port came to the other */

	parcels = (struct parcels){.first = NULL};
	handed_count = count;
	for (unsigned i = 0; i < count; i++) {
		const struct packet *packet = &frames[i]->packet;
		struct message *message = message_of(way, frames[i]->number - 1);
		uint32_t segment = (uint32_t)(frames[i]->number - 1 - message->first);
		uint8_t once = packet->copy ? 2 : 1;

		REQUIRE(!(message->handed[segment] & once));
		message->handed[segment] |= once;
		REQUIRE(packet->due <= now_ns);
		handed[i] = (struct handed){message, segment, !segment_of(frames[i])->held, packet->corrupt, packet->marked, false};
	}
	send_segments(port, frames, count, sent);
	for (unsigned i = 0; i < count; i++)
		REQUIRE(sent_frame(sent, i) == handed[i].left);
	REQUIRE(sent->as_counted == parcels.taken);
}

/* What comes */

struct flow { /* of one sender; lanes have their own */
	uint32_t seq;
	uint16_t id;
};
static struct flow flows[2][8];

static void put(uint8_t *at, unsigned bytes, uint32_t value)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> 8 * bytes);
}

/* Ethernet, a tag or none, IPv4 or IPv6, TCP or UDP: the flow's headers before `payload` bytes; where the transport begins. */
static uint32_t write_head(uint8_t *data, unsigned which, const struct flow *flow, uint32_t payload, uint32_t *head)
{
	bool ipv6 = which & 1, udp = which & 2;
	uint32_t network = which & 4 ? 18 : 14, transport = network + (ipv6 ? 40 : 20), bytes;
	uint8_t *ip = data + network, *at = data + transport;

	memset(data, 0, 128);
	put(data, 4, 0x02000000 + which);
	if (which & 4)
		put(data + 12, 4, 0x81000007);
	put(data + network - 2, 2, ipv6 ? 0x86dd : 0x0800);
	*head = transport + (udp ? 8 : which & 1 ? 32 : 20);
	bytes = *head - network + payload;
	ip[0] = ipv6 ? 0x60 : 0x45;
	if (ipv6) {
		put(ip + 4, 2, bytes - 40);
		put(ip + 6, 2, udp ? 0x1140 : 0x0640);
		put(ip + 8, 4, 0xfd000001);
		put(ip + 24, 4, 0xfd000002);
		ip[1] = 0x20; /* ECT(0) */
	} else {
		put(ip + 1, 3, 2u << 16 | bytes);
		put(ip + 4, 2, flow->id);
		put(ip + 8, 2, udp ? 0x4011 : 0x4006);
		put(ip + 12, 4, 0x0a000001);
		put(ip + 16, 4, 0x0a000002);
		put(ip + 10, 2, (uint16_t)~device_sum(ip, 20, 0));
	}
	put(at, 4, 0x03e80050 + which);
	if (udp) {
		put(at + 4, 2, 8 + payload);
	} else {
		put(at + 4, 4, flow->seq);
		put(at + 12, 2, (*head - transport) / 4 << 12 | 0x10);
	}
	return transport;
}

/* The kernel says nothing false of a checksum: it is partial, or was looked at, or nobody knows. */
static void settle_checksum(struct message *message, uint32_t network, uint32_t transport, uint8_t protocol, uint8_t how)
{
	uint32_t offset = protocol == IPPROTO_TCP ? 16 : 6, bytes = message->length - transport;
	uint8_t *at = message->data + transport + offset;

	put(at, 2, device_pseudo(message->data + network, protocol, bytes));
	message->virtio.csum_start = (uint16_t)transport;
	message->virtio.csum_offset = (uint16_t)offset;
	message->virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (message->virtio.gso_type != VIRTIO_NET_HDR_GSO_NONE || how % 4 == 0)
		return;
	put(at, 2, (uint16_t)~device_sum(message->data + transport, bytes, 0));
	if (protocol == IPPROTO_UDP && !at[0] && !at[1])
		put(at, 2, 0xffff);
	message->virtio = (struct virtio_net_hdr){.flags = how % 4 == 1 ? 0 : VIRTIO_NET_HDR_F_DATA_VALID};
	if (how % 4 == 3) { /* nobody has looked, and it is wrong */
		message->virtio.flags = 0;
		at[0] ^= 1;
	}
}

/* The flow's next bytes, in one piece. */
static void make_flow(struct message *message, struct flow *flow, unsigned which, struct input *input)
{
	uint32_t size = 1 + take(input, 2) % 1448, payload = take(input, 2) % 65000, head, transport, segments;
	uint8_t flags = (uint8_t)take(input, 1), how = (uint8_t)take(input, 1);
	uint8_t protocol = which & 2 ? IPPROTO_UDP : IPPROTO_TCP;

	payload = (how & 0x50) == 0x50 ? payload : payload % (size * 8) + 1;
	if (payload > size * 2000)
		payload = size * 2000;
	message->data = malloc(payload + 128);
	transport = write_head(message->data, which, flow, payload, &head);
	message->length = head + payload;
	segments = payload ? (payload + size - 1) / size : 1;
	for (uint32_t i = 0; i < payload; i++)
		message->data[head + i] = (uint8_t)(flow->seq + i + (i >> 8));
	if (protocol == IPPROTO_TCP && how & 32)
		message->data[transport + 13] = flags;
	if (segments > 1) {
		message->virtio.gso_size = (uint16_t)size;
		message->virtio.gso_type = protocol == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			which & 1 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	}
	if (how & 128 && !(which & 1)) /* who sends by a packet socket may write anything into an IP header */
		message->data[transport - 10] ^= 1;
	settle_checksum(message, which & 4 ? 18 : 14, transport, protocol, how);
	flow->seq += payload;
	flow->id = (uint16_t)(flow->id + segments);
}

/* Any bytes, with any virtio header, but for what a checksum promises. */
static void make_anything(struct message *message, struct input *input)
{
	uint32_t length = take(input, 2) % 3000, chosen = take(input, 1), seed = take(input, 1);
	uint8_t flags = (uint8_t)take(input, 1);
	struct parsed parsed;

	length = seed == 255 ? HELD_MAX - 40 + length % 80 : length;
	message->data = calloc(1, length + 128);
	message->length = length;
	for (uint32_t i = 0; i < length; i++)
		message->data[i] = input->at < input->end && i < chosen ? *input->at++ : (uint8_t)(seed + i);
	if (flags & 1)
		message->virtio = (struct virtio_net_hdr){.flags = flags & 2 ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0, .gso_type = flags >> 3 & 7,
			.gso_size = (uint16_t)take(input, 2), .csum_start = (uint16_t)(take(input, 2) % (length + 40)),
			.csum_offset = (uint16_t)(take(input, 1) % 24)};
	parse(message->data, length, &parsed);
	if (parsed.transport && (parsed.protocol == IPPROTO_TCP || parsed.protocol == IPPROTO_UDP) &&
	    message->virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && message->virtio.csum_start == parsed.transport &&
	    parsed.transport + message->virtio.csum_offset + 2u <= length)
		put(message->data + parsed.transport + message->virtio.csum_offset, 2,
			device_pseudo(message->data + parsed.network, parsed.protocol, length - parsed.transport));
}

static void insert_tag_of(struct message *message, uint32_t tag)
{
	memmove(message->data + 16, message->data + 12, message->length - 12);
	put(message->data + 12, 4, tag);
	message->tag = tag;
	message->length += 4;
	if (message->virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		message->virtio.csum_start = (uint16_t)(message->virtio.csum_start + 4);
}

static void arrive(unsigned lane, struct input *input)
{
	struct way *way = &ways[lane];
	uint8_t kind = (uint8_t)take(input, 1);
	struct message *message = &way->messages[way->count];
	struct segments segments;
	bool read;

	if (way->count == MESSAGES || way->count - way->read >= WAITING || bytes_kept > BYTES_MOST)
		return;
	*message = (struct message){.stamp_ns = now_ns};
	if (kind & 8)
		make_anything(message, input);
	else
		make_flow(message, &flows[lane][kind & 7], kind & 7, input);
	read = message->length >= PORT_ETHERNET_HEAD && message->length <= HELD_MAX &&
		segments_read(message->data, message->length, &message->virtio, &segments) &&
		segments_length(&segments, 0) + (kind & 64 ? 4 : 0) <= FAKE_LONGEST;
	message->segments = read ? segments.count : 0;
	REQUIRE(!read || device_count(message->data, message->length, &message->virtio) == segments.count);
	if (kind & 64 && message->length >= PORT_ETHERNET_HEAD)
		insert_tag_of(message, (kind & 32 ? 0x88a8u : 0x8100u) << 16 | 5);
	message->first = way->segments;
	message->handed = calloc(1, message->segments + 1);
	way->segments += message->segments;
	way->count++;
	bytes_kept += message->length;
}

/* Steps */

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
			free(ways[i].messages[n].data);
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

/* Nothing real is opened. */
int packet_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}

int xdp_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}
