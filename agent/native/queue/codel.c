/* See codel.h. The names are those of the RFC's pseudocode. */
#include "queue/codel.h"

#include <stdlib.h>

#define RESUME_INTERVALS 16 /* a dropping state that begins so soon after the last goes on at its rate */

/* The greatest root with root^2 <= square. */
static uint64_t root_of(work square)
{
	uint64_t root = 0;

	for (int bit = 63; bit >= 0; bit--) {
		uint64_t larger = root | UINT64_C(1) << bit;

		if ((work)larger * larger <= square)
			root = larger;
	}
	return root;
}

int64_t codel_control_law(int64_t t, int64_t interval_ns, uint64_t count)
{
	return time_after(t, (int64_t)root_of((work)interval_ns * (uint64_t)interval_ns / count));
}

/* Takes the oldest frame; *late: frames have waited too long for an interval, so that it may go. */
static struct packet *take(struct codel *codel, struct queue *queue, struct fifo *fifo,
	const struct codel_parameters *parameters, int64_t now, bool *late)
{
	struct packet *packet = queue_take(queue, fifo);

	codel->bytes -= packet->length;
	*late = false;
	if (now - packet->arrival < parameters->target_ns || codel->bytes <= queue->surroundings.full_frame)
		codel->first_above = 0;
	else if (codel->first_above == 0)
		codel->first_above = time_after(now, parameters->interval_ns);
	else
		*late = now >= codel->first_above;
	return packet;
}

static bool mark(struct queue *queue, struct packet *packet, const struct codel_parameters *parameters)
{
	return parameters->ecn && queue_mark(queue, packet);
}

/* In the dropping state: whatever was to go by now. A frame that is marked in its place is served. */
static struct packet *go_on(struct codel *codel, struct queue *queue, struct fifo *fifo,
	const struct codel_parameters *parameters, int64_t now, struct packet *packet)
{
	while (codel->dropping && now >= codel->drop_next) {
		bool marked = mark(queue, packet, parameters);

		codel->count++;
		if (!marked) {
			queue_drop(queue, packet, VERDICT_AQM, now);
			packet = take(codel, queue, fifo, parameters, now, &codel->dropping);
		}
		if (codel->dropping)
			codel->drop_next = codel_control_law(codel->drop_next, parameters->interval_ns, codel->count);
		if (marked)
			break;
	}
	return packet;
}

static struct packet *begin_dropping(struct codel *codel, struct queue *queue, struct fifo *fifo,
	const struct codel_parameters *parameters, int64_t now, struct packet *packet)
{
	uint64_t delta = codel->count - codel->last_count;
	bool late;

	if (!mark(queue, packet, parameters)) {
		queue_drop(queue, packet, VERDICT_AQM, now);
		packet = take(codel, queue, fifo, parameters, now, &late);
	}
	codel->dropping = true;
	codel->count = delta > 1 && now - codel->drop_next < RESUME_INTERVALS * parameters->interval_ns ? delta : 1;
	codel->last_count = codel->count;
	codel->drop_next = codel_control_law(now, parameters->interval_ns, codel->count);
	return packet;
}

struct packet *codel_next(struct codel *codel, struct queue *queue, struct fifo *fifo,
	const struct codel_parameters *parameters, int64_t now)
{
	struct packet *packet;
	bool late;

	packet = take(codel, queue, fifo, parameters, now, &late);
	if (codel->dropping) {
		codel->dropping = late;
		packet = go_on(codel, queue, fifo, parameters, now, packet);
	} else if (late) {
		packet = begin_dropping(codel, queue, fifo, parameters, now, packet);
	}
	if (parameters->ce_threshold_ns >= 0 && now - packet->arrival > parameters->ce_threshold_ns)
		queue_mark(queue, packet);
	return packet;
}

/* The discipline of that name: one FIFO. */

enum { TARGET, INTERVAL, ECN, CE_THRESHOLD };

static const struct parameter parameters[] = {
	{"target", 0, QUEUE_DURATION_MAX},
	{"interval", 1, QUEUE_DURATION_MAX},
	{"ecn", 0, 1},
	{"ce_threshold", -1, QUEUE_DURATION_MAX},
	{NULL, 0, 0},
};

static int begin(struct queue *queue)
{
	queue->state = calloc(1, sizeof(struct codel));
	return queue->state ? 0 : -1;
}

static enum verdict arrive(struct queue *queue, struct packet *packet, int64_t now)
{
	struct codel *codel = queue->state;

	(void)now;
	if (!queue_has_room(queue, packet->length))
		return VERDICT_QUEUE_FULL;
	queue_put(queue, &queue->fifo, packet);
	codel->bytes += packet->length;
	return VERDICT_ADMITTED;
}

static struct packet *next(struct queue *queue, int64_t now)
{
	const struct codel_parameters chosen = {.target_ns = queue->values[TARGET], .interval_ns = queue->values[INTERVAL],
		.ecn = queue->values[ECN], .ce_threshold_ns = queue->values[CE_THRESHOLD]};

	return codel_next(queue->state, queue, &queue->fifo, &chosen, now);
}

static int64_t probability(const struct queue *queue)
{
	return ((const struct codel *)queue->state)->dropping ? CODEL_DROPPING_PPM : 0;
}

const struct discipline discipline_codel = {.name = "codel", .parameters = parameters, .begin = begin, .arrive = arrive,
	.next = next, .probability = probability, .reads_headers = true};
