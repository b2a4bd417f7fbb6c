/*
 * What waits for the bottleneck of one direction, and the discipline that decides about it: an arriving frame is admitted or
 * dropped; when service may begin, a frame is chosen. On both occasions the discipline may also mark frames, and drop others
 * than the one in question: those lie in `dropped` until the half's owner fetches them, each with its cause.
 *
 * A queue sees virtual time only: the half tells it what the time is, in ascending order, and what the capacity is. The frame
 * in service is not the queue's any more, but takes room. Drop-tail has no table of functions: it is inlined below, as
 * almost every frame that is forwarded meets it.
 */
#ifndef PLCTL_QUEUE_H
#define PLCTL_QUEUE_H

#include <stddef.h>

#include "model/schedule.h"
#include "model/packet.h"

/* How much the queue and the service hold together. */
struct room {
	bool packets; /* counts packets, not bytes */
	int64_t amount;
};

struct fifo {
	struct packet *head;
	struct packet *tail;
};

#define PARAMETERS_MAX 10
#define QUEUE_DURATION_MAX (1000 * NS_PER_S) /* of a parameter, and of a delay that a discipline counts with */

/* A number that a discipline is set up with: durations are in ns, shares and gains (in Hz) in millionths, flags 0 or 1. */
struct parameter {
	const char *name;
	int64_t least;
	int64_t most;
};

/* What a queue is made from. */
struct queue_config {
	const struct discipline *discipline; /* NULL: drop-tail */
	int64_t values[PARAMETERS_MAX];      /* of the discipline's parameters, in their order */
};

/* What a queue may know of its half. */
struct surroundings {
	const struct schedule *schedule;
	int64_t full_frame; /* bytes of a full-size frame with overhead */
	uint64_t key;       /* of draw.h */
	int64_t t0;         /* when scenario time starts; TIME_NEVER: not known */
};

struct queue {
	const struct discipline *discipline; /* NULL: drop-tail */
	struct fifo fifo;                    /* what waits, unless the discipline has queues of its own */
	int64_t packets;                     /* that wait */
	int64_t bytes;
	int64_t serving_bytes; /* of the frame in service; 0: none */
	struct room room;      /* in force at the time of the arrival */
	uint32_t queue_id;     /* of the bottleneck in force at the last arrival; drop-tail counts only its frames ... */
	int64_t other_packets; /* ... and so none of these, which wait or are served, too */
	int64_t other_bytes;
	struct fifo dropped;   /* by the discipline, after they had been admitted */
	uint64_t marked;       /* frames */
	int64_t idle_since;    /* when the last service ended */
	void *state;           /* the discipline's own */
	int64_t values[PARAMETERS_MAX];
	struct surroundings surroundings;
};

/*
 * What a queueing discipline does. Each function is called at times that never fall. A discipline with timers catches up
 * with them whenever it is called: nothing that it sees has changed since the last call, except the row in force.
 */
struct discipline {
	const char *name;
	const struct parameter *parameters; /* the first without a name ends them; NULL: there are none */
	/* Makes the state; 0, or -1 if there is no memory. NULL: there is no state. free() ends it. */
	int (*begin)(struct queue *queue);
	/* The packet's fate on arrival; admitted, it waits. */
	enum verdict (*arrive)(struct queue *queue, struct packet *packet, int64_t now);
	/* Takes the next frame to be served out of the queue, in which something waits; NULL: what waited is dropped. */
	struct packet *(*next)(struct queue *queue, int64_t now);
	/* Takes any frame out of it, to give its memory back; NULL when none is left. NULL: they are in queue->fifo. */
	struct packet *(*drain)(struct queue *queue);
	/* Does what its timers would have done by `now`, so that what is told of it is true; NULL: it has no timers. */
	void (*catch_up)(struct queue *queue, int64_t now);
	/* For telemetry, in millionths: with which probability it drops or marks now; NULL: that does not apply. */
	int64_t (*probability)(const struct queue *queue);
	/* For telemetry: the queue's average length at `now` by which it decides, in bytes; NULL: it does not. */
	int64_t (*average)(const struct queue *queue, int64_t now);
	bool reads_headers; /* it needs the packets' ecn or flow */
};

/* The disciplines by name, drop-tail apart, as plctl.common.plan.disciplines declares them; the last is NULL. */
extern const struct discipline *const disciplines[];
#define DISCIPLINE(name) extern const struct discipline discipline_##name;
#include "model/disciplines.inc"
#undef DISCIPLINE

/* The discipline of that name, which is NULL for drop-tail, into *discipline; false: there is none. */
bool discipline_find(const char *name, const struct discipline **discipline);

/* Whether the values are within the bounds of the discipline's parameters; if not, `why` (of `size` bytes) says which. */
bool queue_config_check(const struct queue_config *config, char *why, size_t size);

/* An empty queue at virtual time 0; 0, or -1 if there is no memory. queue_end() is due either way. */
int queue_begin(struct queue *queue, const struct queue_config *config, const struct surroundings *surroundings);
void queue_end(struct queue *queue);

/* For disciplines: whether `length` bytes more have room; there always is for one frame. */
static inline bool queue_has_room(const struct queue *queue, uint32_t length)
{
	int64_t packets = queue->packets + (queue->serving_bytes > 0) - queue->other_packets;

	if (packets == 0)
		return true;
	if (queue->room.packets)
		return packets < queue->room.amount;
	return queue->bytes + queue->serving_bytes - queue->other_bytes <= queue->room.amount - (int64_t)length;
}

/* Of drop-tail: another bottleneck is in force from now on; `serving` is the frame in service, NULL if there is none. */
void queue_turn_to(struct queue *queue, uint32_t queue_id, const struct packet *serving);

/* The service of a frame that drop-tail had has ended. */
static inline void queue_left(struct queue *queue, const struct packet *packet)
{
	if (packet->route != queue->queue_id) {
		queue->other_packets--;
		queue->other_bytes -= packet->length;
	}
}

static inline void fifo_put(struct fifo *fifo, struct packet *packet)
{
	packet->next = NULL;
	if (fifo->head)
		fifo->tail->next = packet;
	else
		fifo->head = packet;
	fifo->tail = packet;
}

static inline struct packet *fifo_take(struct fifo *fifo) /* the oldest; NULL: it is empty */
{
	struct packet *packet = fifo->head;

	if (packet)
		fifo->head = packet->next;
	return packet;
}

/* For disciplines: the packet waits from now on, last of `fifo`; the oldest of `fifo` waits no more. */
static inline void queue_put(struct queue *queue, struct fifo *fifo, struct packet *packet)
{
	fifo_put(fifo, packet);
	queue->packets++;
	queue->bytes += packet->length;
}

static inline struct packet *queue_take(struct queue *queue, struct fifo *fifo) /* there is one */
{
	struct packet *packet = fifo_take(fifo);

	queue->packets--;
	queue->bytes -= packet->length;
	return packet;
}

/* For disciplines: the packet, which waits no more, is dropped now for that cause. */
static inline void queue_drop(struct queue *queue, struct packet *packet, enum verdict cause, int64_t now)
{
	packet->verdict = cause;
	packet->end = now;
	fifo_put(&queue->dropped, packet);
}

/* For disciplines: sets CE, and is true, if the frame's ECN field allows it; else it would have to be dropped. */
static inline bool queue_mark(struct queue *queue, struct packet *packet)
{
	if (packet->ecn == ECN_NOT_ECT)
		return false;
	if (packet->ecn != ECN_CE && !packet->marked) {
		packet->marked = true;
		queue->marked++;
	}
	return true;
}

/* A frame that is VERDICT_ADMITTED so far arrives at `now`: its fate, which if it is another is also in packet->verdict. */
static inline enum verdict queue_arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	if (queue->discipline) {
		enum verdict verdict = queue->discipline->arrive(queue, packet, now);

		packet->verdict = verdict == VERDICT_ADMITTED ? packet->verdict : verdict; /* it may have been dropped since */
		return verdict;
	}
	if (!queue_has_room(queue, packet->length))
		return packet->verdict = VERDICT_QUEUE_FULL;
	queue_put(queue, &queue->fifo, packet);
	return VERDICT_ADMITTED;
}

/* Service may begin at `now`: the frame to be served, if that leaves one. Something waits. */
static inline struct packet *queue_next(struct queue *queue, int64_t now)
{
	return queue->discipline ? queue->discipline->next(queue, now) : queue_take(queue, &queue->fifo);
}

/* Any frame that waits or was dropped; NULL when there is none. */
static inline struct packet *queue_drain(struct queue *queue)
{
	if (queue->dropped.head)
		return fifo_take(&queue->dropped);
	if (queue->discipline && queue->discipline->drain)
		return queue->discipline->drain(queue);
	return fifo_take(&queue->fifo);
}

#endif
