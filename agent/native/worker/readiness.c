/* See readiness.h. */
#include "worker/readiness.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 64
#define HEAR_PASSES 16     /* with frames and without sleep, before a lane is heard: the two system calls must pay off */
#define SILENCE_NS 1000000 /* without frames, before epoll tells of a lane again */
#define ASK_NS 10000       /* how late the frames of other lanes and orders may be noticed by a worker that is busy */

static int tell_of(const struct readiness *readiness, struct lane *lane, const struct port *port)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = lane};

	return epoll_ctl(readiness->epoll, EPOLL_CTL_ADD, port_descriptor(port), &event) < 0 ? errno : 0;
}

static void tell_no_more_of(const struct readiness *readiness, const struct port *port)
{
	epoll_ctl(readiness->epoll, EPOLL_CTL_DEL, port_descriptor(port), NULL);
}

/* Strays are rare: only the port itself is ever heard. */
static void hear(struct readiness *readiness, struct lane *lane)
{
	tell_no_more_of(readiness, lane->in);
	lane->heard = true;
	readiness->heard++;
}

static int hear_no_more(struct readiness *readiness, struct lane *lane)
{
	int error = tell_of(readiness, lane, lane->in);

	if (error)
		return error;
	lane->heard = false;
	readiness->heard--;
	return 0;
}

static void mark(struct readiness *readiness, struct lane *lane)
{
	if (lane->readable)
		return;
	lane->readable = true;
	lane->next_readable = readiness->readable;
	readiness->readable = lane;
}

/* Lanes */

int readiness_add(struct readiness *readiness, struct lane *lane)
{
	for (const struct port *port = lane->in; port; port = port->strays) {
		int error = tell_of(readiness, lane, port);

		if (error) {
			readiness_remove(readiness, lane);
			return error;
		}
	}
	return 0;
}

void readiness_remove(struct readiness *readiness, struct lane *lane)
{
	struct lane **at = &readiness->readable;

	for (const struct port *port = lane->in; port; port = port->strays)
		tell_no_more_of(readiness, port);
	while (*at && *at != lane)
		at = &(*at)->next_readable;
	if (*at)
		*at = lane->next_readable;
	readiness->heard -= lane->heard;
	lane->readable = lane->heard = false;
}

struct lane *readiness_take(struct readiness *readiness)
{
	struct lane *lanes = readiness->readable;

	readiness->readable = NULL;
	readiness->unread = false;
	return lanes;
}

/* How many passes in a row, this one included, had frames. */
static unsigned count_passes(const struct readiness *readiness, struct lane *lane)
{
	if (lane->sleeps != readiness->sleeps)
		lane->passes = 0;
	lane->sleeps = readiness->sleeps;
	return ++lane->passes;
}

void readiness_give(struct readiness *readiness, struct lane *lane, unsigned frames, int64_t now)
{
	lane->readable = false;
	if (frames) {
		lane->frames_ns = now;
		if (count_passes(readiness, lane) >= HEAR_PASSES && !lane->heard)
			hear(readiness, lane);
	} else {
		lane->passes = 0;
		if (lane->heard && now - lane->frames_ns > SILENCE_NS)
			hear_no_more(readiness, lane); /* or later, if the kernel is out of memory */
	}
	if (lane->heard)
		mark(readiness, lane);
	readiness_note(readiness, lane);
}

void readiness_note(struct readiness *readiness, struct lane *lane)
{
	if (!lane->unread)
		return;
	readiness->unread = true;
	mark(readiness, lane);
}

/* Waiting */

bool readiness_may_sleep(struct readiness *readiness)
{
	struct lane *lane;

	if (readiness->unread)
		return false;
	while ((lane = readiness->readable)) { /* what holds no frames for certain is here because it is heard */
		if (hear_no_more(readiness, lane))
			return false;
		readiness->readable = lane->next_readable;
		lane->readable = false;
	}
	return true;
}

bool readiness_should_ask(const struct readiness *readiness, int64_t now)
{
	return !readiness->heard || now - readiness->asked_ns >= ASK_NS;
}

void readiness_sleep_untold(const struct readiness *readiness, const struct timespec *timeout)
{
	struct pollfd orders = {.fd = readiness->eventfd, .events = POLLIN};

	ppoll(&orders, 1, timeout, NULL);
}

int readiness_ask(struct readiness *readiness, int64_t now, const struct timespec *timeout, bool *orders)
{
	struct epoll_event events[EVENTS];
	int count = epoll_pwait2(readiness->epoll, events, EVENTS, timeout, NULL);

	readiness->asked_ns = now;
	readiness->sleeps += !timeout || timeout->tv_sec || timeout->tv_nsec;
	*orders = false;
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			mark(readiness, events[i].data.ptr);
		else
			*orders = true;
	}
	return count;
}

/* Beginning and end */

int readiness_init(struct readiness *readiness, int eventfd)
{
	struct epoll_event event = {.events = EPOLLIN}; /* data.ptr NULL: no lane */

	*readiness = (struct readiness){.epoll = epoll_create1(EPOLL_CLOEXEC), .eventfd = eventfd};
	if (readiness->epoll < 0)
		return errno;
	return epoll_ctl(readiness->epoll, EPOLL_CTL_ADD, eventfd, &event) < 0 ? errno : 0;
}

void readiness_end(struct readiness *readiness)
{
	if (readiness->epoll >= 0)
		close(readiness->epoll);
}
