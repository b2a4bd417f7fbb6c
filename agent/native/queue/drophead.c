/* Drop-head: where there is no room, the frames that have waited longest make it, so that what is delivered is young. */
#include "model/queue.h"

static enum verdict arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	while (queue->packets > 0 && !queue_has_room(queue, packet->length))
		queue_drop(queue, queue_take(queue, &queue->fifo), VERDICT_QUEUE_FULL, now);
	if (!queue_has_room(queue, packet->length))
		return VERDICT_QUEUE_FULL;
	queue_put(queue, &queue->fifo, packet);
	return VERDICT_ADMITTED;
}

static struct packet *next(struct queue *queue, int64_t now)
{
	(void)now;
	return queue_take(queue, &queue->fifo);
}

const struct discipline discipline_drophead = {.name = "drophead", .arrive = arrive, .next = next};
