/*
 * The back end over AF_PACKET; see port.h. A TPACKET_V2 ring for what arrives (it hands over each frame at once, where
 * TPACKET_V3 waits a millisecond for a block to fill) and sendmmsg() for what leaves. Names of the kernel's structures
 * and options: Documentation/networking/packet_mmap.rst.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/packet_socket.h"
#include "io/port.h"

#define RING_BLOCK_BYTES (64 * 1024)
#define RING_FRAME_HEAD 128 /* tpacket2_hdr, sockaddr_ll and alignment before the frame, with room to spare */

struct packet_port {
	struct port port;
	uint8_t *ring;
	size_t ring_bytes;
	uint32_t frame_bytes; /* of ring for each frame */
	uint32_t frames_per_block;
	uint32_t frames;
	uint32_t head; /* index of the oldest unreleased frame */
	struct iovec pieces[PORT_BATCH]; /* scratch of send() */
	struct mmsghdr messages[PORT_BATCH];
};

/* Receiving */

static struct tpacket2_hdr *ring_frame(const struct packet_port *self, uint32_t index)
{
	size_t block = index / self->frames_per_block, within = index % self->frames_per_block;

	return (void *)(self->ring + block * RING_BLOCK_BYTES + within * self->frame_bytes);
}

static uint32_t vlan_tag(const struct tpacket2_hdr *head, uint32_t status)
{
	if (!(status & TP_STATUS_VLAN_VALID))
		return 0;
	return (uint32_t)(status & TP_STATUS_VLAN_TPID_VALID ? head->tp_vlan_tpid : ETH_P_8021Q) << 16 | head->tp_vlan_tci;
}

static void describe(const struct packet_port *self, struct tpacket2_hdr *head, uint32_t status, struct arrival *arrival)
{
	arrival->data = (uint8_t *)head + head->tp_mac;
	arrival->stamp_ns = (int64_t)head->tp_sec * NS_PER_S + head->tp_nsec;
	arrival->tag = vlan_tag(head, status);
	arrival->first = true;
	arrival->held = NULL;
	arrival->length = head->tp_snaplen + (arrival->tag ? PORT_VLAN_TAG : 0);
	arrival->whole = head->tp_snaplen == head->tp_len && head->tp_snaplen >= PORT_ETHERNET_HEAD &&
		arrival->length <= self->port.longest;
}

static unsigned receive(struct port *port, struct arrival *batch)
{
	struct packet_port *self = (struct packet_port *)port;
	uint32_t index = self->head;
	unsigned count;

	for (count = 0; count < PORT_BATCH && count < self->frames; count++) {
		struct tpacket2_hdr *head = ring_frame(self, index);
		uint32_t status = __atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			break;
		describe(self, head, status, &batch[count]);
		index = index + 1 == self->frames ? 0 : index + 1;
	}
	return count;
}

static struct frame *take_room(struct port *port, uint32_t length)
{
	return pool_take(port->pool, length);
}

static void give_room(struct port *port, struct frame *frame)
{
	pool_give(port->pool, frame);
}

static void release(struct port *port, const struct arrival *batch, unsigned count)
{
	struct packet_port *self = (struct packet_port *)port;

	(void)batch;
	while (count--) {
		__atomic_store_n(&ring_frame(self, self->head)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		self->head = self->head + 1 == self->frames ? 0 : self->head + 1;
	}
}

static uint64_t new_overruns(struct port *port)
{
	return packet_socket_new_drops(port->socket);
}

/* Sending */

static uint64_t send_frames(struct port *port, struct frame *const *frames, unsigned count)
{
	struct packet_port *self = (struct packet_port *)port;
	uint64_t sent = 0;

	for (unsigned i = 0; i < count; i++) {
		self->pieces[i] = (struct iovec){frames[i]->data, frames[i]->length};
		self->messages[i].msg_hdr = (struct msghdr){.msg_iov = &self->pieces[i], .msg_iovlen = 1};
	}
	packet_socket_send(port->socket, self->messages, count, &sent);
	for (unsigned i = 0; i < count; i++)
		pool_give(port->pool, frames[i]);
	return sent;
}

/* Opening and closing */

static int map_ring(struct packet_port *self, size_t ring_bytes)
{
	struct tpacket_req request = {.tp_block_size = RING_BLOCK_BYTES, .tp_frame_size = self->frame_bytes};

	self->frames_per_block = RING_BLOCK_BYTES / self->frame_bytes;
	request.tp_block_nr = ring_bytes / RING_BLOCK_BYTES ? ring_bytes / RING_BLOCK_BYTES : 1;
	request.tp_frame_nr = self->frames = request.tp_block_nr * self->frames_per_block;
	if (setsockopt(self->port.socket, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return errno;
	self->ring_bytes = (size_t)request.tp_block_nr * RING_BLOCK_BYTES;
	self->ring = mmap(NULL, self->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, self->port.socket, 0);
	return self->ring == MAP_FAILED ? errno : 0;
}

/* Every step in order; the first that fails leaves its name in *attempt. Binding comes last: it starts the traffic. */
static int prepare(struct packet_port *self, const char *interface, size_t ring_bytes, const char **attempt)
{
	int socket = self->port.socket, index = 0, error;

	*attempt = "find the interface";
	if ((error = packet_socket_find(socket, interface, &index)))
		return error;
	*attempt = "choose TPACKET_V2";
	if ((error = packet_socket_set(socket, PACKET_VERSION, TPACKET_V2)))
		return error;
	*attempt = "ignore outgoing frames";
	if ((error = packet_socket_set(socket, PACKET_IGNORE_OUTGOING, 1)))
		return error;
	*attempt = "bypass the queueing discipline";
	if ((error = packet_socket_set(socket, PACKET_QDISC_BYPASS, 1)))
		return error;
	*attempt = "make the receive ring";
	if ((error = map_ring(self, ring_bytes)))
		return error;
	return packet_socket_bind(socket, index, attempt);
}

static void close_port(struct port *port)
{
	struct packet_port *self = (struct packet_port *)port;

	if (self->ring && self->ring != MAP_FAILED)
		munmap(self->ring, self->ring_bytes);
	close(port->socket);
	free(self);
}

static const struct port_back_end back_end = {
	.wall_stamps = true,
	.receive = receive,
	.take_room = take_room,
	.give_room = give_room,
	.release = release,
	.send = send_frames,
	.new_overruns = new_overruns,
	.close = close_port,
};

/* Takes over the socket, in every case. */
static struct port *new_port(int socket, const struct ports_config *config)
{
	struct packet_port *self = calloc(1, sizeof(*self));

	if (!self) {
		close(socket);
		return NULL;
	}
	self->port = (struct port){.back_end = &back_end, .socket = socket, .pool = config->pool};
	self->port.longest = config->mtu + PORT_ETHERNET_HEAD + 2 * PORT_VLAN_TAG;
	self->frame_bytes = TPACKET_ALIGN(self->port.longest + RING_FRAME_HEAD);
	if (self->frame_bytes < 2048)
		self->frame_bytes = 2048; /* divides the block, so that nothing of it is wasted */
	return &self->port;
}

static int open_port(const struct ports_config *config, int which, struct port *port, char *why)
{
	const char *attempt;
	int error;

	if (!port)
		return port_refuse(why, ENOMEM, "find memory for", config->interfaces[which]);
	error = prepare((struct packet_port *)port, config->interfaces[which], config->ring_bytes, &attempt);
	return error ? port_refuse_interface(why, error, attempt, config, which) : 0;
}

int packet_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	int sockets[2], error = packet_sockets_open(config->netns, sockets);

	if (error)
		return port_refuse(why, error, "open packet sockets in", config->netns);
	for (int i = 0; i < 2; i++)
		ports[i] = new_port(sockets[i], config);
	for (int i = 0; i < 2 && !error; i++)
		error = open_port(config, i, ports[i], why);
	for (int i = 0; i < 2 && error; i++) {
		port_close(ports[i]);
		ports[i] = NULL;
	}
	return error;
}
