/* What a worker is made of: for its loop (worker.c) and the orders that it carries out (orders.c). */
#ifndef PLCTL_WORKER_STATE_H
#define PLCTL_WORKER_STATE_H

#include "worker/worker.h"

#include <pthread.h>

#include "path/wall.h"
#include "worker/deadlines.h"
#include "worker/mailbox.h"
#include "worker/readiness.h"
#include "worker/starts.h"

struct worker {
	pthread_t thread;
	bool stopping;
	struct pace pace;
	struct priority priority;
	struct heartbeat heartbeat;
	struct deadlines deadlines;
	struct starts starts;
	struct readiness readiness;
	struct mailbox mailbox;
	struct wall wall;
	int64_t unread_ns; /* so long may what arrives stay unread, on any lane; TIME_NEVER without lanes */
	int64_t idle_ns; /* since when the passes have found nothing to do; 0: the last one did */
};

/*
 * Reads a batch of frames from the lane's ports; how many. The first frame starts the other half, too, and what is inside
 * that may be due earlier then: so while the link waits for it both are read together, and the other delivered here.
 */
unsigned worker_receive(struct worker *worker, struct lane *lane, int64_t now);

#endif
