/* See chosen_half.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chosen_half.h"

#define MOST 8 /* values of a table, or of a pattern */

static uint8_t take_last(struct input *input)
{
	return input->at < input->end ? *--input->end : 0;
}

static uint32_t share(uint8_t byte) /* few probabilities, so that each is met */
{
	static const uint32_t shares[] = {0, 0, CERTAIN / 50, CERTAIN / 4, CERTAIN / 2, CERTAIN};

	return shares[byte % (sizeof(shares) / sizeof(*shares))];
}

/* From a nanosecond to some seconds. */
static int64_t duration(uint8_t byte)
{
	return byte % 4 ? INT64_C(1) << byte % 33 : 0;
}

static void choose_rows(struct row *rows, unsigned count, struct input *input)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t byte = take_last(input);

		rows[i].loss_ppb = share(byte);
		rows[i].duplicate_ppb = share(byte / 6);
		rows[i].corrupt_ppb = share(byte / 36);
		rows[i].jitter_ns = duration(take_last(input)) >> 10;
	}
}

static struct schedule *new_schedule(struct input *input)
{
	static const struct row rows[] = {
		{.route = 0, .delay_ns = 1000000, .rate_bps = 100000000, .queue_bytes = -1},
		{.time_ns = 1000000, .route = 1, .delay_ns = 50000, .rate_bps = RATE_UNLIMITED, .queue_bytes = -1},
		{.time_ns = 3000000, .queue_bytes = 4000},
		{.time_ns = 5000000, .route = 1, .delay_ns = 2000000, .rate_bps = 10000000}};
	struct row *made = memcpy(malloc(sizeof(rows)), rows, sizeof(rows));

	if (input)
		choose_rows(made, 4, input);
	return schedule_new(made, 4, 7000000, 2);
}

static void choose_loss(struct loss_config *loss, uint32_t *pattern, struct frames *listed, struct input *input)
{
	uint64_t number = 0;

	loss->model = take_last(input) % (LOSS_LIST + 1);
	loss->p = share(take_last(input));
	loss->r = share(take_last(input));
	if (!loss->r)
		loss->r = CERTAIN / 3;
	loss->good = share(take_last(input));
	loss->bad = share(take_last(input));
	loss->pattern = pattern;
	loss->listed = listed;
	loss->pattern_count = loss->listed_count = 1 + take_last(input) % MOST;
	for (unsigned i = 0; i < loss->pattern_count; i++) {
		uint8_t byte = take_last(input);

		pattern[i] = share(byte);
		listed[i].first = number += 1 + byte % 16;
		listed[i].last = number += byte / 16;
	}
}

static void choose_jitter(struct jitter_config *jitter, int32_t *values, struct input *input)
{
	int64_t value = -JITTER_VALUE_MOST;

	jitter->distribution.count = 2 + take_last(input) % (MOST - 1);
	for (unsigned i = 0; i < jitter->distribution.count; i++) {
		value += take_last(input) * INT64_C(600000);
		values[i] = value < JITTER_VALUE_MOST ? (int32_t)value : JITTER_VALUE_MOST;
	}
	jitter->distribution.values = values;
	jitter->normal = jitter->distribution;
	jitter->correlation = (uint64_t)take_last(input) << 24;
	jitter->correlation_time_ns = duration(take_last(input));
}

static void choose_path(struct half_config *config, struct input *input)
{
	static uint32_t pattern[MOST]; /* half_new() copies what it is shown */
	static struct frames listed[MOST];
	static int32_t values[MOST];
	struct impairments_config *path = &config->impairments;

	choose_loss(&path->loss, pattern, listed, input);
	choose_jitter(&path->jitter, values, input);
	path->duplicate_delay_ns = duration(take_last(input)) >> 10;
	path->reorder = take_last(input) & 1;
}

/* Every fourth link has drop-tail; the others' parameters are half-way between their bounds, or small: a millisecond or two. */
static void choose_discipline(struct queue_config *config, unsigned choice)
{
	unsigned count = 0;

	while (disciplines[count])
		count++;
	if (choice % 4 == 0)
		return;
	config->discipline = disciplines[choice / 4 % count];
	for (const struct parameter *p = config->discipline->parameters; p && p->name; p++) {
		int64_t small = p->least + (choice % 4 - 1) * INT64_C(1000000);

		config->values[p - config->discipline->parameters] =
			choice % 4 == 1 ? p->least + (p->most - p->least) / 2 : small < p->most ? small : p->most;
	}
}

/* Each parameter at its least, its most, or anywhere between on a scale of powers of 2; timers tick every 10 us at most. */
static void choose_parameters(struct queue_config *config, struct input *input)
{
	for (const struct parameter *p = config->discipline ? config->discipline->parameters : NULL; p && p->name; p++) {
		uint8_t byte = take_last(input);
		int64_t span = p->most - p->least, value = byte % 64 < 63 ? (int64_t)((uint64_t)span >> byte % 64) : 0;

		if (!strcmp(p->name, "tupdate") && value < 10000)
			value = 10000;
		config->values[p - config->discipline->parameters] = p->least + (value < span ? value : span);
	}
}

static void choose_capacity(struct half_config *config, struct input *input)
{
	uint8_t byte = take_last(input);

	config->capacity_unit = byte % 3;
	config->capacity_amount = INT64_C(1) << byte / 3 % 24;
	config->reconfiguration_ns = duration(take_last(input)) >> 8;
}

void choose_half(struct half_config *config, unsigned choice, struct input *input)
{
	bool everything = input->at < input->end && (input->end[-1] & 0xe0) == 0xa0;

	*config = (struct half_config){.capacity_unit = CAPACITY_PACKETS, .capacity_amount = 600, .full_frame = 1514,
		.reconfiguration_ns = 200000};
	choose_discipline(&config->queue, choice);
	if (everything) {
		take_last(input);
		config->key = take_last(input);
		choose_parameters(&config->queue, input);
		choose_capacity(config, input);
		choose_path(config, input);
	}
	config->schedule = new_schedule(everything ? input : NULL);
}
