/*
 * FQ-CoDel (RFC 8290): flows are served in turn by deficit round robin, those that begin first, and CoDel controls each.
 *
 * A flow is in the list of new flows, in that of old ones, or, if it is not known, in none. When the bottleneck is idle and
 * nothing waits, it has asked both lists in vain, so that all flows have left them: the next frame of each begins a new flow.
 */
#include <stdlib.h>

#include "queue/codel.h"

enum { FLOWS, QUANTUM, MEMORY_LIMIT, DROP_BATCH, TARGET, INTERVAL, ECN, CE_THRESHOLD };

static const struct parameter parameters[] = {
	{"flows", 1, 65536},
	{"quantum", 1, 1 << 20},
	{"memory_limit", 1, INT64_C(1) << 40},
	{"drop_batch", 1, 1 << 20},
	{"target", 0, QUEUE_DURATION_MAX},
	{"interval", 1, QUEUE_DURATION_MAX},
	{"ecn", 0, 1},
	{"ce_threshold", -1, QUEUE_DURATION_MAX},
	{NULL, 0, 0},
};

struct flow {
	struct flow *next; /* in its list */
	struct fifo fifo;
	struct codel codel;
	int64_t packets;
	int64_t deficit; /* bytes that it may send before the next has its turn */
	bool known;      /* in a list */
};

struct list {
	struct flow *head;
	struct flow *tail;
};

struct fq_codel {
	struct codel_parameters codel;
	struct list young; /* the RFC's new and old flows */
	struct list old;
	int64_t flow_count;
	int64_t dropping; /* flows in CoDel's dropping state */
	struct flow flows[];
};

static void append(struct list *list, struct flow *flow)
{
	flow->next = NULL;
	if (list->head)
		list->tail->next = flow;
	else
		list->head = flow;
	list->tail = flow;
}

static struct flow *remove_head(struct list *list)
{
	struct flow *flow = list->head;

	list->head = flow->next;
	return flow;
}

static int begin(struct queue *queue)
{
	const int64_t *values = queue->values;
	struct fq_codel *self = calloc(1, sizeof(*self) + (size_t)values[FLOWS] * sizeof(struct flow));

	queue->state = self;
	if (!self)
		return -1;
	self->flow_count = values[FLOWS];
	self->codel = (struct codel_parameters){.target_ns = values[TARGET], .interval_ns = values[INTERVAL],
		.ecn = values[ECN], .ce_threshold_ns = values[CE_THRESHOLD]};
	return 0;
}

/* The flow is asked for a frame in vain. */
static void find_empty(struct fq_codel *self, struct flow *flow)
{
	self->dropping -= flow->codel.dropping;
	codel_find_empty(&flow->codel);
}

/* Nothing waits and nothing is served: no flow is known any more. */
static void forget_flows(struct fq_codel *self)
{
	while (self->young.head || self->old.head) {
		struct flow *flow = remove_head(self->young.head ? &self->young : &self->old);

		find_empty(self, flow);
		flow->known = false;
	}
}

static struct flow *fattest(struct fq_codel *self)
{
	struct flow *found = &self->flows[0];

	for (int64_t i = 1; i < self->flow_count; i++)
		if (self->flows[i].codel.bytes > found->codel.bytes)
			found = &self->flows[i];
	return found;
}

static bool is_over(const struct queue *queue)
{
	if (queue->packets + (queue->serving_bytes > 0) <= 1)
		return false;
	if (queue->bytes > queue->values[MEMORY_LIMIT])
		return true;
	if (queue->room.packets)
		return queue->packets + (queue->serving_bytes > 0) > queue->room.amount;
	return queue->bytes + queue->serving_bytes > queue->room.amount;
}

/* From the head of the flow that has most bytes: half of them, or a batch of frames if that is less; at least one. */
static void drop_batch(struct queue *queue, struct fq_codel *self, int64_t now)
{
	struct flow *flow = fattest(self);
	int64_t left = flow->codel.bytes / 2;

	for (int64_t dropped = 0; dropped < queue->values[DROP_BATCH] && flow->packets && flow->codel.bytes > left; dropped++) {
		struct packet *packet = queue_take(queue, &flow->fifo);

		flow->codel.bytes -= packet->length;
		flow->packets--;
		queue_drop(queue, packet, VERDICT_QUEUE_FULL, now);
	}
}

static enum verdict arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	struct fq_codel *self = queue->state;
	struct flow *flow = &self->flows[packet->flow % self->flow_count];

	if (queue->packets == 0 && queue->serving_bytes == 0)
		forget_flows(self);
	queue_put(queue, &flow->fifo, packet);
	flow->codel.bytes += packet->length;
	flow->packets++;
	if (!flow->known) {
		flow->known = true;
		flow->deficit = queue->values[QUANTUM];
		append(&self->young, flow);
	}
	while (queue->packets && is_over(queue))
		drop_batch(queue, self, now);
	return VERDICT_ADMITTED;
}

/* Whose turn it is: there is a flow with frames, and with credit after enough rounds. */
static struct flow *turn(struct queue *queue, struct fq_codel *self)
{
	for (;;) {
		bool young = self->young.head;
		struct list *list = young ? &self->young : &self->old;
		struct flow *flow = list->head;

		if (flow->deficit > 0 && flow->packets > 0)
			return flow;
		remove_head(list);
		if (flow->deficit <= 0) {
			flow->deficit += queue->values[QUANTUM];
		} else {
			find_empty(self, flow);
			flow->known = young;
		}
		if (flow->known)
			append(&self->old, flow);
	}
}

static struct packet *next(struct queue *queue, int64_t now)
{
	struct fq_codel *self = queue->state;
	struct flow *flow = turn(queue, self);
	int64_t waiting = queue->packets;
	bool dropped = flow->codel.dropping;
	struct packet *packet = codel_next(&flow->codel, queue, &flow->fifo, &self->codel, now);

	self->dropping += flow->codel.dropping - dropped;
	flow->packets -= waiting - queue->packets;
	flow->deficit -= packet->length;
	return packet;
}

static struct packet *drain(struct queue *queue)
{
	struct fq_codel *self = queue->state;
	struct packet *packet = NULL;

	for (int64_t i = 0; i < self->flow_count && !packet; i++)
		packet = fifo_take(&self->flows[i].fifo);
	return packet;
}

static int64_t probability(const struct queue *queue)
{
	return ((const struct fq_codel *)queue->state)->dropping ? CODEL_DROPPING_PPM : 0;
}

const struct discipline discipline_fq_codel = {.name = "fq_codel", .parameters = parameters, .begin = begin,
	.arrive = arrive, .next = next, .drain = drain, .probability = probability,
	.reads_headers = true};
