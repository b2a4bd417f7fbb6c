/* See fake_machine.c: ports for super-frames as they are, but that their sockets are memory. */
#include "fake_super.h"

#include <string.h>
#include <sys/eventfd.h>

#include "offload/port.c"

#define FAKES 2
#define KEPT 4096 /* messages of each way of a port */

struct fake_message {
	int64_t stamp_ns;
	struct virtio_net_hdr virtio;
	uint32_t length;
	uint8_t *data;
};

struct messages {
	struct fake_message at[KEPT];
	unsigned head;
	unsigned tail;
};

struct fake_super {
	struct super_port own;
	struct port_back_end back_end;
	struct messages in;
	struct messages out;
};

static struct fake_super *fakes[FAKES];

static struct fake_super *fake_of(int socket)
{
	for (int i = 0; i < FAKES; i++)
		if (fakes[i] && fakes[i]->own.port.socket == socket)
			return fakes[i];
	abort();
}

/* Into `data`, where it is not the place of bytes that come one after the other. */
static void append(struct messages *messages, const struct fake_message *message)
{
	struct fake_message *kept = &messages->at[messages->tail++ % KEPT];

	if (messages->tail - messages->head > KEPT)
		abort();
	*kept = *message;
	kept->data = malloc(message->length);
	memcpy(kept->data, message->data, message->length);
}

static void put_stamp(struct msghdr *head, int64_t stamp_ns)
{
	struct timespec stamp = {.tv_sec = stamp_ns / NS_PER_S, .tv_nsec = stamp_ns % NS_PER_S};
	struct cmsghdr *control = CMSG_FIRSTHDR(head);

	*control = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_TIMESTAMPNS, .cmsg_len = CMSG_LEN(sizeof(stamp))};
	memcpy(CMSG_DATA(control), &stamp, sizeof(stamp));
	head->msg_controllen = CMSG_SPACE(sizeof(stamp));
}

int fake_recvmmsg(int socket, struct mmsghdr *heads, unsigned count, int flags, struct timespec *timeout)
{
	struct messages *in = &fake_of(socket)->in;
	unsigned i;

	(void)flags, (void)timeout;
	for (i = 0; i < count && in->head != in->tail; i++) {
		struct fake_message *message = &in->at[in->head++ % KEPT];

		memcpy(heads[i].msg_hdr.msg_iov[0].iov_base, &message->virtio, sizeof(message->virtio));
		memcpy(heads[i].msg_hdr.msg_iov[1].iov_base, message->data, message->length);
		heads[i].msg_len = sizeof(message->virtio) + message->length;
		put_stamp(&heads[i].msg_hdr, message->stamp_ns);
		free(message->data);
	}
	errno = EAGAIN;
	return i ? (int)i : -1;
}

int fake_sendmmsg(int socket, struct mmsghdr *heads, unsigned count, int flags)
{
	struct messages *out = &fake_of(socket)->out;

	(void)flags;
	for (unsigned i = 0; i < count; i++) {
		const struct msghdr *head = &heads[i].msg_hdr;
		uint8_t bytes[HELD_MAX];
		struct fake_message message = {.data = bytes};

		memcpy(&message.virtio, head->msg_iov[0].iov_base, sizeof(message.virtio));
		for (size_t piece = 1; piece < head->msg_iovlen; piece++) {
			memcpy(bytes + message.length, head->msg_iov[piece].iov_base, head->msg_iov[piece].iov_len);
			message.length += (uint32_t)head->msg_iov[piece].iov_len;
		}
		append(out, &message);
	}
	return (int)count;
}

static uint64_t fake_overruns(struct port *port)
{
	(void)port;
	return 0;
}

static void drain(struct messages *messages)
{
	for (; messages->head != messages->tail; messages->head++)
		free(messages->at[messages->head % KEPT].data);
}

static void fake_close_super(struct port *port)
{
	struct fake_super *self = (struct fake_super *)port;

	for (int i = 0; i < FAKES; i++)
		if (fakes[i] == self)
			fakes[i] = NULL;
	drain(&self->in);
	drain(&self->out);
	close_port(port);
}

struct port *fake_super_port(struct pool *pool, uint32_t longest)
{
	struct fake_super *self = calloc(1, sizeof(*self));

	self->back_end = back_end;
	self->back_end.close = fake_close_super;
	self->back_end.new_overruns = fake_overruns;
	self->own.port = (struct port){.back_end = &self->back_end, .socket = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .pool = pool,
		.longest = longest};
	super_receive_begin(&self->own.receive, pool, longest);
	self->own.send = super_send_new();
	fakes[fakes[0] ? 1 : 0] = self;
	return &self->own.port;
}

void fake_super_arrive(struct port *port, int64_t stamp_ns, const uint8_t *data, uint32_t length, const uint8_t *virtio)
{
	struct fake_message message = {.stamp_ns = stamp_ns, .length = length, .data = (uint8_t *)data};

	memcpy(&message.virtio, virtio, sizeof(message.virtio));
	append(&((struct fake_super *)port)->in, &message);
	eventfd_write(port->socket, 1);
}

uint32_t fake_super_take(struct port *port, uint8_t *data, uint8_t *virtio)
{
	struct messages *out = &((struct fake_super *)port)->out;
	struct fake_message *message;

	if (out->head == out->tail)
		return 0;
	message = &out->at[out->head++ % KEPT];
	memcpy(virtio, &message->virtio, sizeof(message->virtio));
	memcpy(data, message->data, message->length);
	free(message->data);
	return message->length;
}
