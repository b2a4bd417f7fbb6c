/* See receive.h. */
#include "offload/receive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#define FIT_MAX 36000 /* bytes of the longest frame that is copied */
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata)))
#define ATTEMPTS 2 /* an error that the socket tells once comes in place of a frame */

/* What a message says of itself, beside its bytes. */
struct message {
	struct virtio_net_hdr virtio;
	struct iovec pieces[2];
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
	uint32_t slot;
};

int super_receive_begin(struct super_receive *self, struct pool *pool, uint32_t longest)
{
	*self = (struct super_receive){.pool = pool, .longest = longest};
	for (unsigned i = 0; i < SUPER_SLOTS; i++)
		if (!(self->slots[i] = held_take(pool, HELD_MAX)))
			return ENOMEM;
	return 0;
}

static void forget(struct super_receive *self, const struct reception *reception)
{
	if (reception->held)
		held_give(self->pool, reception->held);
}

void super_receive_end(struct super_receive *self)
{
	for (; self->count; self->count--) {
		forget(self, &self->receptions[self->head]);
		self->head = (self->head + 1) % SUPER_RECEPTIONS;
	}
	for (unsigned i = 0; i < SUPER_SLOTS; i++)
		if (self->slots[i])
			held_give(self->pool, self->slots[i]);
}

/* Reading what a message says */

static uint32_t vlan_tag(const struct tpacket_auxdata *data)
{
	if (!(data->tp_status & TP_STATUS_VLAN_VALID))
		return 0;
	return (uint32_t)(data->tp_status & TP_STATUS_VLAN_TPID_VALID ? data->tp_vlan_tpid : ETH_P_8021Q) << 16 | data->tp_vlan_tci;
}

static void read_control(struct msghdr *head, int64_t *stamp_ns, uint32_t *tag)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(head); control; control = CMSG_NXTHDR(head, control)) {
		struct tpacket_auxdata auxiliary;
		struct timespec stamp;

		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
			*stamp_ns = (int64_t)stamp.tv_sec * NS_PER_S + stamp.tv_nsec;
		} else if (control->cmsg_level == SOL_PACKET && control->cmsg_type == PACKET_AUXDATA) {
			memcpy(&auxiliary, CMSG_DATA(control), sizeof(auxiliary));
			*tag = vlan_tag(&auxiliary);
		}
	}
}

/* Into the room before the data, where both addresses go, too. */
static void insert_tag(struct held *held, uint32_t tag)
{
	uint32_t in_order = htonl(tag);

	held->data -= PORT_VLAN_TAG;
	memmove(held->data, held->data + PORT_VLAN_TAG, PORT_MAC_PAIR);
	memcpy(held->data + PORT_MAC_PAIR, &in_order, sizeof(in_order));
	segments_insert_tag(&held->segments);
}

/*
 * Holds the frame in room of its size, or in the slot, of which another takes the place. If there is no memory for that, it
 * cannot be kept, only be looked at: the slot is used again when the frame is released.
 */
static struct held *hold(struct super_receive *self, uint32_t slot, uint32_t length)
{
	struct held *from = self->slots[slot];
	struct held *held = length > FIT_MAX ? held_take(self->pool, HELD_MAX) : held_fit(self->pool, from, length);

	from->refused = !held;
	if (!held) {
		from->references++;
		return from;
	}
	if (length <= FIT_MAX)
		return held;
	self->slots[slot] = held;
	return from;
}

static void take_in(struct super_receive *self, struct mmsghdr *head, const struct message *message)
{
	struct reception *reception = &self->receptions[(self->head + self->count++) % SUPER_RECEPTIONS];
	int64_t bytes = (int64_t)head->msg_len - (int64_t)sizeof(message->virtio);
	struct held *held;
	uint32_t tag = 0;

	*reception = (struct reception){.segments = 1};
	read_control(&head->msg_hdr, &reception->stamp_ns, &tag);
	if (bytes < PORT_ETHERNET_HEAD || bytes > HELD_MAX || head->msg_hdr.msg_flags & MSG_TRUNC)
		return;
	held = hold(self, message->slot, (uint32_t)bytes);
	if (!segments_read(held->data, (uint32_t)bytes, &message->virtio, &held->segments)) {
		held->segments = (struct segments){.length = UINT32_MAX, .count = 1}; /* longer than any that is whole */
	} else if (tag) {
		insert_tag(held, tag);
	}
	reception->held = held;
	reception->segments = held->segments.count;
}

/* Receiving */

static unsigned prepare(struct super_receive *self, struct message *messages, struct mmsghdr *heads)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < SUPER_SLOTS; i++) {
		struct message *message = &messages[count];

		if (self->slots[i]->references > 1)
			continue;
		message->slot = i;
		message->pieces[0] = (struct iovec){&message->virtio, sizeof(message->virtio)};
		message->pieces[1] = (struct iovec){self->slots[i]->data, HELD_MAX};
		heads[count++].msg_hdr = (struct msghdr){.msg_iov = message->pieces, .msg_iovlen = 2,
			.msg_control = message->control, .msg_controllen = sizeof(message->control)};
	}
	return count;
}

/* Reads some of what the socket has; whether it may have more that can be read now. */
static bool fetch(struct super_receive *self, int socket)
{
	struct message messages[SUPER_SLOTS];
	struct mmsghdr heads[SUPER_SLOTS];
	unsigned count = prepare(self, messages, heads);
	int taken = -1;

	self->cut_short = !count;
	for (int i = 0; i < ATTEMPTS && taken < 0 && count; i++) {
		taken = recvmmsg(socket, heads, count, MSG_DONTWAIT | MSG_TRUNC, NULL);
		if (taken < 0 && errno == EAGAIN)
			break;
	}
	for (int i = 0; i < taken; i++)
		take_in(self, &heads[i], &messages[i]);
	return taken > 0 && (unsigned)taken == count;
}

static void describe(const struct super_receive *self, const struct reception *reception, uint32_t segment, struct arrival *arrival)
{
	const struct held *held = reception->held;

	*arrival = (struct arrival){.stamp_ns = reception->stamp_ns, .first = !segment, .held = reception->held, .segment = segment};
	if (!held)
		return;
	arrival->data = held->data;
	arrival->length = segments_length(&held->segments, segment);
	arrival->whole = segments_length(&held->segments, 0) <= self->longest;
}

unsigned super_receive(struct super_receive *self, int socket, struct arrival *batch)
{
	uint32_t reception = 0, segment = self->head_segment;
	unsigned count = 0;
	bool more = true;

	for (;;) {
		for (; reception < self->count; reception++, segment = 0) {
			const struct reception *from = &self->receptions[(self->head + reception) % SUPER_RECEPTIONS];

			for (; segment < from->segments; segment++) {
				if (count == PORT_BATCH)
					return count;
				describe(self, from, segment, &batch[count++]);
			}
		}
		if (!more || count == PORT_BATCH)
			return count;
		more = fetch(self, socket);
	}
}

void super_receive_release(struct super_receive *self, unsigned count)
{
	self->head_segment += count;
	while (self->count && self->head_segment >= self->receptions[self->head].segments) {
		self->head_segment -= self->receptions[self->head].segments;
		forget(self, &self->receptions[self->head]);
		self->head = (self->head + 1) % SUPER_RECEPTIONS;
		self->count--;
	}
}
