/* Knows the queueing disciplines by name, checks what they are set up with, and makes their state. */
#include "model/queue.h"

#include <stdlib.h>
#include <string.h>

#include "model/refuse.h"

#define DISCIPLINE(name) &discipline_##name,
const struct discipline *const disciplines[] = {
#include "model/disciplines.inc"
	NULL};

bool discipline_find(const char *name, const struct discipline **discipline)
{
	*discipline = NULL;
	if (!strcmp(name, "droptail"))
		return true;
	for (const struct discipline *const *known = disciplines; *known; known++)
		if (!strcmp(name, (*known)->name))
			*discipline = *known;
	return *discipline;
}

bool queue_config_check(const struct queue_config *config, char *why, size_t size)
{
	const struct parameter *parameter = config->discipline ? config->discipline->parameters : NULL;

	for (const int64_t *value = config->values; parameter && parameter->name; parameter++, value++)
		if (*value < parameter->least || *value > parameter->most)
			return refuse(why, size, "queue.%s is %lld; it must be from %lld to %lld", parameter->name,
				(long long)*value, (long long)parameter->least, (long long)parameter->most);
	return true;
}

int queue_begin(struct queue *queue, const struct queue_config *config, const struct surroundings *surroundings)
{
	*queue = (struct queue){.discipline = config->discipline, .surroundings = *surroundings};
	memcpy(queue->values, config->values, sizeof(queue->values));
	return queue->discipline && queue->discipline->begin ? queue->discipline->begin(queue) : 0;
}

static void count_other(struct queue *queue, const struct packet *packet)
{
	if (packet->route != queue->queue_id) {
		queue->other_packets++;
		queue->other_bytes += packet->length;
	}
}

void queue_turn_to(struct queue *queue, uint32_t queue_id, const struct packet *serving)
{
	const struct packet *packet = queue->packets ? queue->fifo.head : NULL;

	queue->queue_id = queue_id;
	queue->other_packets = queue->other_bytes = 0;
	if (serving)
		count_other(queue, serving);
	for (int64_t left = queue->packets; left > 0; left--, packet = packet->next)
		count_other(queue, packet);
}

void queue_end(struct queue *queue)
{
	free(queue->state);
}
