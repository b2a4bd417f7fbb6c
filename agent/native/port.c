/* See port.h. Names of the kernel's structures and options: Documentation/networking/packet_mmap.rst. */
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define RING_BLOCK_BYTES (64 * 1024)
#define RING_FRAME_HEAD 128 /* tpacket2_hdr, sockaddr_ll and alignment before the frame, with room to spare */
#define ETHERNET_HEAD 14
#define VLAN_TAG 4
#define MAC_PAIR 12          /* both addresses: the VLAN tag follows them */
#define SEND_ATTEMPTS 4      /* for one frame, while the kernel is out of buffers */
#define STAMP_SLACK_NS 1000000 /* a frame is in the ring this soon after it was stamped */

struct port {
	int socket;
	uint8_t *ring;
	size_t ring_bytes;
	uint32_t frame_bytes; /* of ring for each frame */
	uint32_t frames_per_block;
	uint32_t frames;
	uint32_t head; /* index of the oldest unreleased frame */
	uint32_t longest;
	struct iovec pieces[PORT_BATCH]; /* scratch of port_send() */
	struct mmsghdr messages[PORT_BATCH];
};

struct socket_request {
	const char *path;
	int *sockets;
	int error;
};

/* Runs in a thread of its own, because a thread's namespace is changed for good. */
static void *make_sockets(void *argument)
{
	struct socket_request *request = argument;
	int namespace = open(request->path, O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		request->error = errno;
	for (int i = 0; i < 2 && !request->error; i++) {
		request->sockets[i] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (request->sockets[i] < 0)
			request->error = errno;
	}
	if (namespace >= 0)
		close(namespace);
	return NULL;
}

int port_sockets(const char *path, int sockets[2])
{
	struct socket_request request = {.path = path, .sockets = sockets};
	pthread_t thread;
	int error;

	sockets[0] = sockets[1] = -1;
	error = pthread_create(&thread, NULL, make_sockets, &request);
	if (error)
		return error;
	pthread_join(thread, NULL);
	if (request.error && sockets[0] >= 0)
		close(sockets[0]);
	return request.error;
}

static int set_option(int socket, int option, int value)
{
	return setsockopt(socket, SOL_PACKET, option, &value, sizeof(value)) < 0 ? errno : 0;
}

static int map_ring(struct port *port, size_t ring_bytes)
{
	struct tpacket_req request = {.tp_block_size = RING_BLOCK_BYTES, .tp_frame_size = port->frame_bytes};

	port->frames_per_block = RING_BLOCK_BYTES / port->frame_bytes;
	request.tp_block_nr = ring_bytes / RING_BLOCK_BYTES ? ring_bytes / RING_BLOCK_BYTES : 1;
	request.tp_frame_nr = port->frames = request.tp_block_nr * port->frames_per_block;
	if (setsockopt(port->socket, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return errno;
	port->ring_bytes = (size_t)request.tp_block_nr * RING_BLOCK_BYTES;
	port->ring = mmap(NULL, port->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, port->socket, 0);
	return port->ring == MAP_FAILED ? errno : 0;
}

/* The interface's index in the socket's own namespace, whatever namespace the thread is in. */
static int find_interface(int socket, const char *interface, int *index)
{
	struct ifreq request = {0};

	if (strlen(interface) >= sizeof(request.ifr_name))
		return ENODEV;
	strcpy(request.ifr_name, interface);
	if (ioctl(socket, SIOCGIFINDEX, &request) < 0)
		return errno;
	*index = request.ifr_ifindex;
	return 0;
}

static int see_every_destination(int socket, int index)
{
	struct packet_mreq membership = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};

	return setsockopt(socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership)) < 0 ? errno : 0;
}

static int bind_to(int socket, int index)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};

	return bind(socket, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

/* Every step in order; the first that fails leaves its name in *attempt. Binding comes last: it starts the traffic. */
static int prepare(struct port *port, const char *interface, size_t ring_bytes, const char **attempt)
{
	int index = 0, error;

	*attempt = "find the interface";
	if ((error = find_interface(port->socket, interface, &index)))
		return error;
	*attempt = "choose TPACKET_V2";
	if ((error = set_option(port->socket, PACKET_VERSION, TPACKET_V2)))
		return error;
	*attempt = "ignore outgoing frames";
	if ((error = set_option(port->socket, PACKET_IGNORE_OUTGOING, 1)))
		return error;
	*attempt = "bypass the queueing discipline";
	if ((error = set_option(port->socket, PACKET_QDISC_BYPASS, 1)))
		return error;
	*attempt = "make the receive ring";
	if ((error = map_ring(port, ring_bytes)))
		return error;
	*attempt = "receive frames to any address";
	if ((error = see_every_destination(port->socket, index)))
		return error;
	*attempt = "bind to the interface";
	return bind_to(port->socket, index);
}

int port_open(int socket, const char *interface, uint32_t mtu, size_t ring_bytes, struct port **out,
	const char **attempt)
{
	struct port *port = calloc(1, sizeof(*port));
	int error;

	*attempt = "find memory for the port";
	if (!port) {
		close(socket);
		return ENOMEM;
	}
	port->socket = socket;
	port->longest = mtu + ETHERNET_HEAD + 2 * VLAN_TAG;
	port->frame_bytes = TPACKET_ALIGN(port->longest + RING_FRAME_HEAD);
	if (port->frame_bytes < 2048)
		port->frame_bytes = 2048; /* divides the block, so that nothing of it is wasted */
	error = prepare(port, interface, ring_bytes, attempt);
	if (error)
		port_close(port);
	else
		*out = port;
	return error;
}

void port_close(struct port *port)
{
	if (!port)
		return;
	if (port->ring && port->ring != MAP_FAILED)
		munmap(port->ring, port->ring_bytes);
	close(port->socket);
	free(port);
}

int port_descriptor(const struct port *port)
{
	return port->socket;
}

static struct tpacket2_hdr *ring_frame(const struct port *port, uint32_t index)
{
	size_t block = index / port->frames_per_block, within = index % port->frames_per_block;

	return (void *)(port->ring + block * RING_BLOCK_BYTES + within * port->frame_bytes);
}

static uint32_t vlan_tag(const struct tpacket2_hdr *head, uint32_t status)
{
	if (!(status & TP_STATUS_VLAN_VALID))
		return 0;
	return (uint32_t)(status & TP_STATUS_VLAN_TPID_VALID ? head->tp_vlan_tpid : ETH_P_8021Q) << 16 | head->tp_vlan_tci;
}

unsigned port_receive(struct port *port, struct arrival *batch)
{
	uint32_t index = port->head;
	unsigned count;

	for (count = 0; count < PORT_BATCH && count < port->frames; count++) {
		struct tpacket2_hdr *head = ring_frame(port, index);
		uint32_t status = __atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			break;
		batch[count].data = (uint8_t *)head + head->tp_mac;
		batch[count].wall_ns = (int64_t)head->tp_sec * NS_PER_S + head->tp_nsec;
		batch[count].tag = vlan_tag(head, status);
		batch[count].length = head->tp_snaplen + (batch[count].tag ? VLAN_TAG : 0);
		batch[count].whole = head->tp_snaplen == head->tp_len && head->tp_snaplen >= ETHERNET_HEAD &&
			 batch[count].length <= port->longest;
		index = index + 1 == port->frames ? 0 : index + 1;
	}
	return count;
}

void port_copy(const struct arrival *arrival, uint8_t *to)
{
	uint32_t tag = htonl(arrival->tag);

	if (!arrival->tag) {
		memcpy(to, arrival->data, arrival->length);
		return;
	}
	memcpy(to, arrival->data, MAC_PAIR);
	memcpy(to + MAC_PAIR, &tag, VLAN_TAG);
	memcpy(to + MAC_PAIR + VLAN_TAG, arrival->data + MAC_PAIR, arrival->length - MAC_PAIR - VLAN_TAG);
}

void port_release(struct port *port, unsigned count)
{
	while (count--) {
		__atomic_store_n(&ring_frame(port, port->head)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		port->head = port->head + 1 == port->frames ? 0 : port->head + 1;
	}
}

static bool out_of_buffers(int error)
{
	return error == ENOBUFS || error == EAGAIN || error == EINTR;
}

uint64_t port_send(struct port *port, struct frame *const *frames, unsigned count)
{
	unsigned done = 0, attempts = 0;
	uint64_t sent = 0;

	for (unsigned i = 0; i < count; i++) {
		port->pieces[i] = (struct iovec){frames[i]->data, frames[i]->length};
		port->messages[i].msg_hdr = (struct msghdr){.msg_iov = &port->pieces[i], .msg_iovlen = 1};
	}
	while (done < count) {
		int taken = sendmmsg(port->socket, port->messages + done, count - done, MSG_DONTWAIT);

		if (taken > 0) {
			for (int i = 0; i < taken; i++)
				sent |= UINT64_C(1) << done++;
			attempts = 0;
		} else if (!out_of_buffers(errno) || ++attempts == SEND_ATTEMPTS) {
			done++; /* this frame is lost; the next may fare better */
			attempts = 0;
		}
	}
	return sent;
}

uint64_t port_new_overruns(struct port *port)
{
	struct tpacket_stats statistics; /* reading them sets the kernel's to zero */
	socklen_t length = sizeof(statistics);

	if (getsockopt(port->socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0)
		return 0;
	return statistics.tp_drops;
}

int64_t port_arrival_ns(int64_t wall_ns, int64_t offset_ns, int64_t previous_poll_ns, int64_t now_ns)
{
	int64_t arrival = wall_ns - offset_ns;

	if (arrival > now_ns)
		return now_ns;
	return arrival < previous_poll_ns - STAMP_SLACK_NS ? previous_poll_ns : arrival;
}
