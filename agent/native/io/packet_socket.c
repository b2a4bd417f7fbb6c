/* See packet_socket.h. */
#include "io/packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io/namespace.h"

#define SEND_ATTEMPTS 4 /* in a row, while the kernel is out of buffers */

/* Opening */

/* Inside the link's namespace: two sockets that receive nothing yet. */
static int make_sockets(void *argument)
{
	int *sockets = argument, error;

	for (int i = 0; i < 2; i++) {
		sockets[i] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (sockets[i] >= 0)
			continue;
		error = errno;
		if (i == 1)
			close(sockets[0]);
		return error;
	}
	return 0;
}

int packet_sockets_open(const char *netns, int sockets[2])
{
	return namespace_run(netns, make_sockets, sockets);
}

int packet_socket_set(int socket, int option, int value)
{
	return setsockopt(socket, SOL_PACKET, option, &value, sizeof(value)) < 0 ? errno : 0;
}

int packet_socket_find(int socket, const char *interface, int *index)
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

int packet_socket_bind(int socket, int index, const char **attempt)
{
	int error;

	*attempt = "receive frames to any address";
	if ((error = see_every_destination(socket, index)))
		return error;
	*attempt = "bind to the interface";
	return bind_to(socket, index);
}

uint64_t packet_socket_new_drops(int socket)
{
	struct tpacket_stats statistics; /* reading them sets the kernel's to zero */
	socklen_t length = sizeof(statistics);

	if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0)
		return 0;
	return statistics.tp_drops;
}

/* Sending */

/*
 * What the kernel says of one frame. ENETDOWN may be old news, told once: that the interface had gone down before it came
 * up again. ENXIO: it was deleted, and no other takes its place.
 */
static bool worth_another_attempt(int error)
{
	return error == ENOBUFS || error == EAGAIN || error == EINTR || error == ENETDOWN;
}

static bool no_frame_can_leave(int error)
{
	return error == ENETDOWN || error == ENXIO;
}

/* A frame that was refused is lost, the next may fare better; but attempts are counted until the kernel takes one. */
void packet_socket_send(int socket, struct mmsghdr *messages, unsigned count, uint64_t *words)
{
	unsigned done = 0, attempts = 0;

	while (done < count) {
		int taken = sendmmsg(socket, messages + done, count - done, MSG_DONTWAIT), error = errno;

		if (taken > 0) {
			for (unsigned end = done + (unsigned)taken; done < end; done++)
				words[done / 64] |= UINT64_C(1) << done % 64;
			attempts = 0;
		} else if (!worth_another_attempt(error) || ++attempts >= SEND_ATTEMPTS) {
			if (no_frame_can_leave(error))
				break;
			done++;
		}
	}
}
