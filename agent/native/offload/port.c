/*
 * The back end for super-frames; see port.h. A packet socket with a virtio header before each frame (PACKET_VNET_HDR) hands
 * over what the sender's TCP or UDP made, however long, and takes such frames; no ring is between, so that a super-frame is
 * copied once on its way in and once on its way out.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames/super_frame.h"
#include "io/packet_socket.h"
#include "offload/receive.h"
#include "offload/send.h"

#define SEND_BUFFER_BYTES (16 * 1024 * 1024) /* of super-frames that the receiver's kernel has not looked at yet */

struct super_port {
	struct port port;
	struct super_receive receive;
	struct super_send *send;
};

static unsigned receive(struct port *port, struct arrival *batch)
{
	struct super_port *self = (struct super_port *)port;
	unsigned count = super_receive(&self->receive, port->socket, batch);

	port->cut_short = self->receive.cut_short;
	return count;
}

static void release(struct port *port, const struct arrival *batch, unsigned count)
{
	(void)batch;
	super_receive_release(&((struct super_port *)port)->receive, count);
}

static struct frame *take(struct port *port, const struct arrival *arrival)
{
	return arrival->held->refused ? NULL : held_segment(port->pool, arrival->held, arrival->segment);
}

static struct frame *copy(struct port *port, const struct frame *original)
{
	const struct segment *segment = segment_of(original);

	return held_segment(port->pool, segment->held, segment->index);
}

static void show(const struct arrival *arrival, struct frame *frame)
{
	*segment_of(frame) = (struct segment){arrival->held, arrival->segment};
}

static const uint8_t *bytes(const struct frame *frame, uint8_t *scratch)
{
	const struct segment *segment = segment_of(frame);

	segments_cut(&segment->held->segments, segment->held->data, segment->index, false, scratch);
	return scratch;
}

static void give_room(struct port *port, struct frame *frame)
{
	held_give_segment(port->pool, frame);
}

static void corrupt(struct port *port, struct frame *frame, uint32_t bit)
{
	held_corrupt(port->pool, frame, bit);
}

static bool more_to_come(const struct frame *frame)
{
	const struct segment *segment = segment_of(frame);

	return segment->held && segment->index + 1 < segment->held->segments.count;
}

static void send_segments(struct port *port, struct frame *const *frames, unsigned count, struct sent *sent)
{
	super_send(((struct super_port *)port)->send, port->socket, frames, count, sent);
	for (unsigned i = 0; i < count; i++)
		held_give_segment(port->pool, frames[i]);
}

static uint64_t new_overruns(struct port *port)
{
	return packet_socket_new_drops(port->socket);
}

static void close_port(struct port *port)
{
	struct super_port *self = (struct super_port *)port;

	super_receive_end(&self->receive);
	free(self->send);
	close(port->socket);
	free(self);
}

static const struct segment_functions segments = {
	.take = take,
	.copy = copy,
	.show = show,
	.bytes = bytes,
	.corrupt = corrupt,
	.send = send_segments,
	.more_to_come = more_to_come,
};

static const struct port_back_end back_end = {
	.wall_stamps = true,
	.receive = receive,
	.give_room = give_room,
	.release = release,
	.new_overruns = new_overruns,
	.close = close_port,
	.segments = &segments,
};

static int set_flag(int socket, int option, int value)
{
	return setsockopt(socket, SOL_SOCKET, option, &value, sizeof(value)) < 0 ? errno : 0;
}

/* Every step in order; the first that fails leaves its name in *attempt. Binding comes last: it starts the traffic. */
static int prepare(int socket, const char *interface, size_t ring_bytes, const char **attempt)
{
	int index = 0, error;

	*attempt = "find the interface";
	if ((error = packet_socket_find(socket, interface, &index)))
		return error;
	*attempt = "ask for virtio headers";
	if ((error = packet_socket_set(socket, PACKET_VNET_HDR, 1)))
		return error;
	*attempt = "ask for VLAN tags";
	if ((error = packet_socket_set(socket, PACKET_AUXDATA, 1)))
		return error;
	*attempt = "ask for times of arrival";
	if ((error = set_flag(socket, SO_TIMESTAMPNS, 1)))
		return error;
	*attempt = "make the receive buffer";
	if ((error = set_flag(socket, SO_RCVBUFFORCE, (int)ring_bytes)))
		return error;
	*attempt = "make the send buffer";
	if ((error = set_flag(socket, SO_SNDBUFFORCE, SEND_BUFFER_BYTES)))
		return error;
	*attempt = "ignore outgoing frames";
	if ((error = packet_socket_set(socket, PACKET_IGNORE_OUTGOING, 1)))
		return error;
	*attempt = "bypass the queueing discipline";
	if ((error = packet_socket_set(socket, PACKET_QDISC_BYPASS, 1)))
		return error;
	return packet_socket_bind(socket, index, attempt);
}

/* Takes over the socket, in every case. */
static struct port *new_port(int socket, const struct ports_config *config)
{
	struct super_port *self = calloc(1, sizeof(*self));

	if (!self) {
		close(socket);
		return NULL;
	}
	self->port = (struct port){.back_end = &back_end, .socket = socket, .pool = config->pool};
	self->port.longest = config->mtu + PORT_ETHERNET_HEAD + 2 * PORT_VLAN_TAG;
	return &self->port;
}

static int open_port(const struct ports_config *config, int which, struct port *port, char *why)
{
	struct super_port *self = (struct super_port *)port;
	const char *attempt;
	int error;

	if (!self || super_receive_begin(&self->receive, config->pool, port->longest) || !(self->send = super_send_new()))
		return port_refuse(why, ENOMEM, "find memory for", config->interfaces[which]);
	error = prepare(port->socket, config->interfaces[which], config->ring_bytes, &attempt);
	return error ? port_refuse_interface(why, error, attempt, config, which) : 0;
}

int super_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
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
