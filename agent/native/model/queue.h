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

struct queue {
	const struct discipline *discipline; /* NULL: drop-tail */
	struct fifo fifo;                    /* what waits, unless the discipline has queues of its own */
	int64_t packets;                     /* that wait */
	int64_t bytes;
	int64_t serving_bytes; /* of the frame in service; 0: none */
	struct room room;      /* in force at the time of the arrival */
	struct fifo dropped;   /* by the discipline, after they had been admitted */
	uint64_t marked;       /* frames */
};

/* What a queueing discipline does. Each function is called at times that never fall. */
struct discipline {
	const char *name;
	/* The packet's fate on arrival; admitted, it waits. */
	enum verdict (*arrive)(struct queue *queue, struct packet *packet, int64_t now);
	/* Takes the next frame to be served out of the queue, in which something waits; NULL: what waited is dropped. */
	struct packet *(*next)(struct queue *queue, int64_t now);
	/* Takes any frame out of it, to give its memory back; NULL when none is left. */
	struct packet *(*drain)(struct queue *queue);
};

/* What a queue is made from. */
struct queue_config {
	const struct discipline *discipline; /* NULL: drop-tail */
};

#define DISCIPLINES_KNOWN "droptail, drophead"

/* The discipline of that name, which is NULL for drop-tail, into *discipline; false: there is none. */
bool discipline_find(const char *name, const struct discipline **discipline);

extern const struct discipline drophead;

static inline void queue_init(struct queue *queue, const struct queue_config *config)
{
	*queue = (struct queue){.discipline = config->discipline};
}

/* For disciplines: whether `length` bytes more have room; there always is for one frame. */
static inline bool queue_has_room(const struct queue *queue, uint32_t length)
{
	if (queue->packets == 0 && queue->serving_bytes == 0)
		return true;
	if (queue->room.packets)
		return queue->packets + (queue->serving_bytes > 0) < queue->room.amount;
	return queue->bytes + queue->serving_bytes <= queue->room.amount - (int64_t)length;
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

/* A frame arrives at `now`: its fate so far, which is also in packet->verdict. */
static inline enum verdict queue_arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	if (queue->discipline)
		return packet->verdict = queue->discipline->arrive(queue, packet, now);
	if (!queue_has_room(queue, packet->length))
		return packet->verdict = VERDICT_QUEUE_FULL;
	queue_put(queue, &queue->fifo, packet);
	return packet->verdict = VERDICT_ADMITTED;
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
	return queue->discipline ? queue->discipline->drain(queue) : fifo_take(&queue->fifo);
}

#endif
