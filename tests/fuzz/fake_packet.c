/* See fake_port.h: TPACKET_V2 rings, and sendmmsg() that refuses frames. */
#include "io/packet_port.c"
#include "io/packet_socket.c"

#include <stdio.h>

#include "fake_port.h"

#define SLOTS 8 /* of each ring */
#define MAC_OFFSET 80
#define OUTCOMES 64

struct fake_packet {
	struct packet_port own;
	unsigned next; /* slot for what arrives */
	bool down;
	bool gone;
	int pending; /* told once: what happened to the interface before */
	uint8_t outcomes[OUTCOMES]; /* errors that the next frames meet */
	unsigned outcome_count;
};

static struct fake_packet *fakes[2];

static struct fake_packet *fake_of(int socket)
{
	return fakes[-1 - socket];
}

static int refusal(struct fake_packet *fake)
{
	int error = fake->gone ? ENXIO : fake->down ? ENETDOWN : fake->pending;

	if (!error && fake->outcome_count)
		error = fake->outcomes[--fake->outcome_count];
	if (!fake->gone && !fake->down)
		fake->pending = 0;
	return error;
}

int fuzz_sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags)
{
	struct fake_packet *fake = fake_of(socket);

	REQUIRE(flags & MSG_DONTWAIT && count && count <= PORT_BATCH);
	for (unsigned i = 0; i < count; i++) {
		const struct iovec *piece = messages[i].msg_hdr.msg_iov;
		int error = refusal(fake);

		if (error) {
			errno = error;
			return i ? (int)i : -1;
		}
		frame_left(piece->iov_base, (uint32_t)piece->iov_len);
	}
	return (int)count;
}

int fuzz_getsockopt(int socket, int level, int option, void *value, socklen_t *length)
{
	REQUIRE(fake_of(socket) && level == SOL_PACKET && option == PACKET_STATISTICS);
	memset(value, 0, *length);
	return 0;
}

static struct port *fake_port(int number, struct pool *pool)
{
	struct fake_packet *fake = calloc(1, sizeof(*fake));
	struct packet_port *self = &fake->own;

	self->port = (struct port){.back_end = &back_end, .socket = -1 - number, .pool = pool, .longest = FAKE_LONGEST};
	self->frame_bytes = 2048;
	self->frames_per_block = RING_BLOCK_BYTES / self->frame_bytes;
	self->frames = SLOTS;
	self->ring_bytes = SLOTS * self->frame_bytes;
	self->ring = calloc(1, self->ring_bytes);
	fakes[number] = fake;
	return &self->port;
}

void fake_ports_open(struct port *ports[2], struct pool *pool, struct budget *budget, struct input *input)
{
	(void)budget;
	(void)input;
	for (int i = 0; i < 2; i++)
		ports[i] = fake_port(i, pool);
}

void fake_ports_close(struct port *ports[2])
{
	for (int i = 0; i < 2; i++) {
		free(((struct packet_port *)ports[i])->ring);
		free(ports[i]);
	}
}

bool fake_arrive(struct port *port, const uint8_t *data, uint32_t length, uint32_t tag, int64_t now)
{
	struct fake_packet *fake = (struct fake_packet *)port;
	struct tpacket2_hdr *head = ring_frame(&fake->own, fake->next);
	uint32_t room = fake->own.frame_bytes - MAC_OFFSET;

	if (head->tp_status & TP_STATUS_USER)
		return false;
	fake->next = (fake->next + 1) % SLOTS;
	head->tp_mac = MAC_OFFSET;
	head->tp_len = length;
	head->tp_snaplen = length < room ? length : room;
	head->tp_sec = now / NS_PER_S;
	head->tp_nsec = now % NS_PER_S;
	memcpy((uint8_t *)head + MAC_OFFSET, data, head->tp_snaplen);
	head->tp_vlan_tci = tag & 0xffff;
	head->tp_vlan_tpid = tag >> 16;
	head->tp_status = TP_STATUS_USER | (tag ? TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID : 0);
	return length <= room;
}

void fake_happen(struct port *port, struct input *input)
{
	static const uint8_t errors[] = {0, ENOBUFS, EAGAIN, EINTR, EMSGSIZE, EPERM, ENOMEM, 0};
	struct fake_packet *fake = (struct fake_packet *)port;
	uint8_t what = (uint8_t)take(input, 1);

	if (what < 16) {
		fake->down = !fake->gone;
		fake->pending = ENETDOWN;
	} else if (what < 64) {
		fake->down = false;
	} else if (what == 64) {
		fake->gone = true;
		fake->pending = ENETDOWN;
	} else {
		for (fake->outcome_count = 0; fake->outcome_count < what % OUTCOMES && input->at < input->end;)
			fake->outcomes[fake->outcome_count++] = errors[take(input, 1) % 8];
	}
}

void fake_recover(struct port *port)
{
	struct fake_packet *fake = (struct fake_packet *)port;

	fake->down = false;
	fake->outcome_count = 0;
}

bool fake_is_exact(const struct port *port)
{
	(void)port;
	return true;
}

int xdp_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}

int super_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}
