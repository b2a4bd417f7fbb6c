#include "sockets.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "device.h"
#include "frames/headers.h"
#include "path/clock.h"

struct way ways[2];

static struct awaited { /* to leave */
	struct handed *handed;
	unsigned count;
} awaited;
static struct parcels { /* of this call */
	struct mmsghdr *first;
	unsigned from[PORT_SEND_MAX + 1]; /* the first of those that it has, of what is awaited */
	unsigned taken;
} parcels;

struct message *sockets_message(struct way *way, uint64_t number)
{
	for (unsigned i = way->count; i--;)
		if (way->messages[i].segments && way->messages[i].first <= number) {
			REQUIRE(number < way->messages[i].first + way->messages[i].segments);
			return &way->messages[i];
		}
	REQUIRE(!"a segment that came");
	return NULL;
}

void sockets_expect(struct handed *handed, unsigned count)
{
	parcels = (struct parcels){.first = NULL};
	awaited = (struct awaited){handed, count};
}

unsigned sockets_taken(void)
{
	return parcels.taken;
}

static void put_control(struct msghdr *head, const struct message *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(head);
	struct timespec stamp = {.tv_sec = message->stamp_ns / NS_PER_S, .tv_nsec = message->stamp_ns % NS_PER_S};
	struct tpacket_auxdata auxiliary = {.tp_vlan_tci = (uint16_t)message->offer.tag, .tp_vlan_tpid = (uint16_t)(message->offer.tag >> 16),
		.tp_status = message->offer.tag ? TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID : 0};

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
		uint32_t fits = message->offer.length < pieces[1].iov_len ? message->offer.length : (uint32_t)pieces[1].iov_len;
		uint8_t *kept = pieces[1].iov_base;

		REQUIRE(pieces[0].iov_len == sizeof(message->offer.virtio));
		memcpy(pieces[0].iov_base, &message->offer.virtio, sizeof(message->offer.virtio));
		memcpy(kept, message->offer.data, fits);
		if (message->offer.tag) { /* which the kernel shows beside the frame */
			fits = fits < message->offer.length - 4 ? fits : message->offer.length - 4;
			memmove(kept + 12, message->offer.data + 16, fits - 12);
			if (message->offer.virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
				((struct virtio_net_hdr *)pieces[0].iov_base)->csum_start -= 4;
		}
		heads[i].msg_hdr.msg_flags = message->offer.length - (message->offer.tag ? 4 : 0) > pieces[1].iov_len ? MSG_TRUNC : 0;
		heads[i].msg_len = (unsigned)sizeof(message->offer.virtio) + message->offer.length - (message->offer.tag ? 4 : 0);
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

/* Whether a frame is what a card would have made of the segment, marked, and with its bit flipped, if it is to be. */
static bool is_segment(const uint8_t *frame, uint32_t length, const struct handed *of)
{
	static uint8_t expected[SIZE_MOST];
	unsigned flipped = of->corrupt && length > PORT_ETHERNET_HEAD;

	for (unsigned zero = 0; zero <= 0xffff; zero += 0xffff) {
		const struct message *message = of->message;
		uint32_t made = device_segment(message->offer.data, message->offer.length, &message->offer.virtio, of->segment, (uint16_t)zero, expected);

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
	while (i < awaited.count && awaited.handed[i].lost)
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
			REQUIRE(at < awaited.count);
			REQUIRE(is_segment_in_any_form(data, length, &virtio, i, &awaited.handed[at]));
		}
	}
	REQUIRE(at == awaited.count);
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
			awaited.handed[k].left = !awaited.handed[k].lost;
		parcels.taken++;
	}
	return (int)count;
}
