/*
 * Which of a worker's lanes may hold frames that have arrived.
 *
 * Of most of them epoll tells. But it does so for every single frame: that costs the frame's sender a lock, contended
 * with the worker, and the worker a system call in every pass. So a lane that had frames in many passes in a row is
 * heard: taken out of epoll and looked at in every pass, until it falls silent or the worker is about to sleep.
 */
#ifndef PLCTL_READINESS_H
#define PLCTL_READINESS_H

#include <time.h>

#include "path/lane.h"

struct readiness {
	int epoll;
	int eventfd;
	struct lane *readable; /* lanes to look at in the next pass: those that may hold frames, and all that are heard */
	bool unread;           /* one of them does hold frames */
	unsigned heard;        /* lanes that epoll does not tell of */
	unsigned sleeps;       /* how often the worker has slept, for telling passes in a row */
	int64_t asked_ns;      /* when epoll was last asked */
};

/* Functions that can fail return 0 or an errno. `eventfd` tells of orders; see readiness_ask(). */
int readiness_init(struct readiness *readiness, int eventfd);
void readiness_end(struct readiness *readiness); /* also after a failed readiness_init() */

int readiness_add(struct readiness *readiness, struct lane *lane);
void readiness_remove(struct readiness *readiness, struct lane *lane);

/* Before sleeping: epoll tells of every lane again, at once if there are frames. False: sleeping would miss frames. */
bool readiness_may_sleep(struct readiness *readiness);

/*
 * Sleeps for so long, or until there are orders, without being told of frames; they are looked for afterwards, by
 * readiness_ask(). Lanes that are heard stay so.
 */
void readiness_sleep_untold(const struct readiness *readiness, const struct timespec *timeout);

/* Whether to ask epoll now, awake: always, unless the lanes that are heard may be all that matters for a moment. */
bool readiness_should_ask(const struct readiness *readiness, int64_t now);

/* Asks epoll, for so long at most (NULL: for ever). Returns how much it told of; *orders: the eventfd was among it. */
int readiness_ask(struct readiness *readiness, int64_t now, const struct timespec *timeout, bool *orders);

/* The lanes to look at, linked by next_readable; each is to be given back when it was read. */
struct lane *readiness_take(struct readiness *readiness);
void readiness_give(struct readiness *readiness, struct lane *lane, unsigned frames, int64_t now);

/* A lane was read that may not be among those: if frames are left, it is looked at in the next pass. */
void readiness_note(struct readiness *readiness, struct lane *lane);

#endif
