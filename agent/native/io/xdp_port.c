/*
 * The back end over AF_XDP in copy mode (what a veth offers); see port.h. Both ports of a link share one umem, in which
 * frames also wait until they are due, so that the kernel sends them from there. The chunks of the receive rings stay
 * theirs: the same few, round and round, are in the caches when the sender's CPU writes into them; to let every frame wait
 * where the kernel put it, in place of a copy, was a fifth slower. When the umem runs short frames wait in the link's
 * pool, as with AF_PACKET, so that its size bounds no queue.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/namespace.h"
#include "io/port.h"
#include "io/time_namespace.h"
#include "io/umem.h"
#include "io/xdp_program.h"
#include "io/xdp_ring.h"
#include "io/xdp_transmit.h"

#define RESERVE (2 * PORT_BATCH)   /* free chunks that are kept for sending frames from the pool */
#define SEND_BUFFER_BYTES (16 << 20) /* that the kernel may hold of ours, as it counts them, before it takes no more */
#define STRAY_SHARE 8              /* of a ring: this part again is for strays */
#define BIND_ATTEMPTS 1000         /* while the interface is busy */
#define BIND_PAUSE_US 1000

struct xdp_port {
	struct port port;
	struct umem *umem;
	struct xdp_ring fill;
	struct xdp_ring receive;
	struct xdp_transmit transmit;
	int64_t clock_offset_ns; /* CLOCK_MONOTONIC here less the one that BPF programs read */
	int link; /* what attaches the XDP program; -1: nothing does */
	uint64_t overruns; /* as the kernel counted them when we last looked */
};

/* Receiving */

static unsigned receive(struct port *port, struct arrival *batch)
{
	struct xdp_port *self = (struct xdp_port *)port;
	uint32_t filled = xdp_ring_filled(&self->receive);
	unsigned count = filled < PORT_BATCH ? filled : PORT_BATCH;

	for (unsigned i = 0; i < count; i++) {
		const struct xdp_desc *desc = xdp_ring_desc(&self->receive, self->receive.own + i);
		struct arrival *arrival = &batch[i];

		arrival->data = self->umem->memory + desc->addr;
		memcpy(&arrival->stamp_ns, arrival->data - XDP_STAMP_BYTES, sizeof(arrival->stamp_ns));
		arrival->stamp_ns += self->clock_offset_ns;
		arrival->length = desc->len;
		arrival->tag = 0;
		arrival->first = true;
		arrival->held = NULL;
		arrival->whole = desc->len >= PORT_ETHERNET_HEAD && desc->len <= port->longest;
	}
	return count;
}

static struct frame *take_room(struct port *port, uint32_t length)
{
	struct umem *umem = ((struct xdp_port *)port)->umem;
	struct frame *frame;

	if (umem->free_count <= RESERVE)
		return pool_take(port->pool, length);
	frame = &umem->frames[umem_take(umem)];
	frame->length = length;
	return frame;
}

static void give_room(struct port *port, struct frame *frame)
{
	struct umem *umem = ((struct xdp_port *)port)->umem;

	if (umem_holds(frame))
		umem_give(umem, umem_chunk_of(umem, frame));
	else
		pool_give(port->pool, frame);
}

static void put_into_fill_ring(struct xdp_port *self, uint32_t chunk)
{
	*xdp_ring_address(&self->fill, self->fill.own++) = umem_address(self->umem, chunk);
}

static void release(struct port *port, const struct arrival *batch, unsigned count)
{
	struct xdp_port *self = (struct xdp_port *)port;

	for (unsigned i = 0; i < count; i++)
		put_into_fill_ring(self, (uint32_t)umem_chunk(self->umem, (uint64_t)(batch[i].data - self->umem->memory)));
	self->receive.own += count;
	xdp_ring_consume(&self->receive);
	xdp_ring_produce(&self->fill);
}

static uint64_t new_overruns(struct port *port)
{
	struct xdp_port *self = (struct xdp_port *)port;
	struct xdp_statistics statistics;
	socklen_t length = sizeof(statistics);
	uint64_t before = self->overruns;

	if (getsockopt(port->socket, SOL_XDP, XDP_STATISTICS, &statistics, &length) < 0)
		return 0;
	self->overruns = statistics.rx_dropped + statistics.rx_ring_full; /* the former includes an empty fill ring */
	return self->overruns - before + port_new_overruns(port->strays);
}

/* Sending */

/* Moves a frame from the pool into a free chunk; false: there is none. */
static bool leave_pool(struct xdp_port *self, struct frame *frame, uint32_t *chunk)
{
	struct umem *umem = self->umem;
	bool room = umem->free_count > 0;

	if (room) {
		*chunk = umem_take(umem);
		memcpy(umem->frames[*chunk].data, frame->data, frame->length);
	}
	pool_give(self->port.pool, frame);
	return room;
}

/* Puts a frame into the transmit ring; false: it is lost. */
static bool enqueue(struct xdp_port *self, struct frame *frame)
{
	uint32_t chunk;

	if (umem_holds(frame))
		chunk = umem_chunk_of(self->umem, frame);
	else if (!leave_pool(self, frame, &chunk))
		return false;
	if (xdp_transmit_put(&self->transmit, chunk, frame->length))
		return true;
	umem_give(self->umem, chunk);
	return false;
}

/* Bits of `left` one after the other to where `queued` has bits. */
static uint64_t spread(uint64_t left, uint64_t queued)
{
	uint64_t spread = 0;

	for (unsigned i = 0; i < PORT_BATCH && queued >> i; i++)
		if (queued >> i & 1) {
			spread |= (left & 1) << i;
			left >>= 1;
		}
	return spread;
}

static uint64_t send_frames(struct port *port, struct frame *const *frames, unsigned count)
{
	struct xdp_port *self = (struct xdp_port *)port;
	bool ready = xdp_transmit_ready(&self->transmit);
	uint32_t first = self->transmit.ring.own;
	uint64_t queued = 0;

	for (unsigned i = 0; i < count; i++) {
		if (ready)
			queued |= (uint64_t)enqueue(self, frames[i]) << i;
		else
			give_room(port, frames[i]);
	}
	return queued ? spread(xdp_transmit_push(&self->transmit, first), queued) : 0;
}

/* Opening and closing */

static void close_port(struct port *port)
{
	struct xdp_port *self = (struct xdp_port *)port;

	port_close(port->strays);
	if (self->link >= 0)
		close(self->link); /* first: then no frame is under way to the socket */
	xdp_ring_close(&self->fill);
	xdp_ring_close(&self->receive);
	xdp_transmit_close(&self->transmit);
	if (port->socket >= 0)
		close(port->socket);
	umem_release(self->umem);
	free(self);
}

static const struct port_back_end back_end = {
	.receive = receive,
	.take_room = take_room,
	.give_room = give_room,
	.release = release,
	.send = send_frames,
	.new_overruns = new_overruns,
	.close = close_port,
};

static struct xdp_port *new_port(const struct ports_config *config, struct umem *umem)
{
	struct xdp_port *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->port = (struct port){.back_end = &back_end, .socket = -1, .pool = config->pool};
	self->port.longest = config->mtu + PORT_ETHERNET_HEAD + 2 * PORT_VLAN_TAG;
	self->umem = self->transmit.umem = umem;
	self->clock_offset_ns = time_namespace_offset_ns();
	self->link = -1;
	umem->users++;
	return self;
}

static int register_umem(int socket, const struct umem *umem)
{
	struct xdp_umem_reg registration = {
		.addr = (uintptr_t)umem->memory, .len = umem_bytes(umem), .chunk_size = umem->chunk_bytes};

	return setsockopt(socket, SOL_XDP, XDP_UMEM_REG, &registration, sizeof(registration)) < 0 ? errno : 0;
}

static int open_rings(struct xdp_port *self, uint32_t frames)
{
	int error = xdp_ring_open(&self->fill, self->port.socket, RING_FILL, frames);

	if (!error)
		error = xdp_ring_open(&self->receive, self->port.socket, RING_RECEIVE, frames);
	return error ? error : xdp_transmit_open(&self->transmit);
}

/*
 * The first port brings the umem; the second names the first, whose settings hold for it, too. After a socket is closed
 * the kernel keeps its interface busy for some milliseconds: until it has freed what the socket shared.
 */
static int bind_to(const struct xdp_port *self, int index, const struct xdp_port *first)
{
	struct sockaddr_xdp address = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = index};

	if (self != first) {
		address.sxdp_flags = XDP_SHARED_UMEM;
		address.sxdp_shared_umem_fd = first->port.socket;
	}
	for (int attempts = BIND_ATTEMPTS; attempts--;) {
		if (bind(self->port.socket, (struct sockaddr *)&address, sizeof(address)) == 0)
			return 0;
		if (errno != EBUSY)
			break;
		usleep(BIND_PAUSE_US);
	}
	return errno;
}

static void let_send(int socket)
{
	int bytes = SEND_BUFFER_BYTES;

	setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)); /* without it bursts may be lost, counted */
}

/* Every step in order; the first that fails leaves its name in *attempt. The program comes last: it starts the traffic. */
static int prepare(struct xdp_port *self, const char *interface, struct xdp_port *first, uint32_t ring_frames,
	const char **attempt)
{
	int index, error;

	*attempt = "open an XDP socket";
	self->port.socket = self->transmit.socket = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (self->port.socket < 0)
		return errno;
	let_send(self->port.socket);
	*attempt = "find the interface";
	if (!(index = if_nametoindex(interface)))
		return errno;
	*attempt = "share memory with the kernel";
	if (self == first && (error = register_umem(self->port.socket, self->umem)))
		return error;
	*attempt = "make the rings of an XDP socket";
	if ((error = open_rings(self, ring_frames)))
		return error;
	*attempt = "bind an XDP socket";
	if ((error = bind_to(self, index, first)))
		return error;
	while (ring_frames--)
		put_into_fill_ring(self, umem_take(self->umem));
	xdp_ring_produce(&self->fill);
	return xdp_program_attach(index, self->port.socket, &self->link, attempt);
}

struct opening {
	const struct ports_config *config;
	struct xdp_port *ports[2];
	uint32_t ring_frames;
	char *why;
};

/* Inside the link's namespace. */
static int open_both(void *argument)
{
	struct opening *opening = argument;
	const char *attempt = NULL;

	for (int i = 0; i < 2; i++) {
		int error = prepare(opening->ports[i], opening->config->interfaces[i], opening->ports[0],
			opening->ring_frames, &attempt);

		if (error)
			return port_refuse_interface(opening->why, error, attempt, opening->config, i);
	}
	return 0;
}

static int open_with(const struct ports_config *config, uint32_t chunk_bytes, struct port *ports[2], char *how)
{
	struct opening opening = {.config = config, .ring_frames = PORT_BATCH, .why = how};
	uint32_t inside = config->store_bytes / chunk_bytes;
	struct umem *umem;
	int error = ENOMEM;

	if (opening.ring_frames < config->ring_bytes / chunk_bytes)
		opening.ring_frames = config->ring_bytes / chunk_bytes;
	umem = umem_new(config->budget, chunk_bytes, 2 * opening.ring_frames + inside + RESERVE, inside);
	*how = 0;
	if (!umem)
		return port_refuse(how, error, "find memory for the frames in", config->netns);
	for (int i = 0; i < 2; i++)
		opening.ports[i] = new_port(config, umem);
	if (opening.ports[0] && opening.ports[1])
		error = namespace_run(config->netns, open_both, &opening);
	if (error && !*how)
		port_refuse(how, error, "open XDP sockets in", config->netns);
	for (int i = 0; i < 2; i++) {
		ports[i] = (struct port *)opening.ports[i];
		if (!error)
			continue;
		port_close(ports[i]);
		ports[i] = NULL;
	}
	umem_release(umem); /* the ports hold it */
	return error;
}

/*
 * The kernel shows a generic XDP program no frame that a tc filter redirected to the other end of the veth (act_mirred):
 * it goes on to where packet sockets are.
 */
static int open_strays(const struct ports_config *config, struct port *const ports[2], char *why)
{
	struct ports_config strays_config = *config;
	struct port *strays[2];
	int error;

	strays_config.ring_bytes /= STRAY_SHARE;
	error = packet_ports_open(&strays_config, strays, why);
	for (int i = 0; i < 2 && !error; i++)
		ports[i]->strays = strays[i];
	return error;
}

int xdp_ports_open(const struct ports_config *config, struct port *ports[2], char *how)
{
	uint32_t chunk_bytes = umem_chunk_bytes(config->mtu + PORT_ETHERNET_HEAD + 2 * PORT_VLAN_TAG);

	int error;

	if (!chunk_bytes) {
		snprintf(how, PORT_WHY_SIZE, "MTU %u is too large for XDP", config->mtu);
		return EMSGSIZE;
	}
	error = open_with(config, chunk_bytes, ports, how);
	if (error)
		return error;
	error = open_strays(config, ports, how);
	if (!error) {
		strcpy(how, "xdp");
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		port_close(ports[i]);
		ports[i] = NULL;
	}
	return error;
}
