/* See impairments.h. */
#include "model/impairments.h"

#include <stdlib.h>
#include <string.h>

#include "model/draw.h"
#include "model/refuse.h"

static bool hit(uint32_t word, uint32_t probability)
{
	return (uint64_t)word * CERTAIN < (uint64_t)probability << 32;
}

/* Rules */

static bool check_table(const struct table *table, const char *name, char *why, size_t size)
{
	if (table->count < 2 || table->count > JITTER_TABLE_MOST)
		return refuse(why, size, "the table %s has %zu values; legal is 2 to %d", name, table->count, JITTER_TABLE_MOST);
	for (size_t i = 0; i < table->count; i++) {
		if (table->values[i] > JITTER_VALUE_MOST || table->values[i] < -JITTER_VALUE_MOST)
			return refuse(why, size, "the table %s has the value %d; the largest is %d", name, table->values[i],
				JITTER_VALUE_MOST);
		if (i > 0 && table->values[i] < table->values[i - 1])
			return refuse(why, size, "the values of the table %s fall at %zu", name, i);
	}
	return true;
}

static bool check_loss(const struct loss_config *loss, char *why, size_t size)
{
	if (loss->p > CERTAIN || loss->r > CERTAIN || loss->good > CERTAIN || loss->bad > CERTAIN)
		return refuse(why, size, "a probability of loss is more than 1");
	if (loss->model == LOSS_BURST && !loss->r)
		return refuse(why, size, "the mean length of a burst of losses must be finite");
	if (loss->model == LOSS_PATTERN && !loss->pattern_count)
		return refuse(why, size, "the pattern of losses is empty");
	for (size_t i = 0; i < loss->pattern_count; i++)
		if (loss->pattern[i] > CERTAIN)
			return refuse(why, size, "a probability of loss is more than 1");
	for (size_t i = 0; i < loss->listed_count; i++)
		if (loss->listed[i].first > loss->listed[i].last || loss->listed[i].first <= (i ? loss->listed[i - 1].last : 0))
			return refuse(why, size, "the numbers of lost frames must be 1 or more and ascend");
	return true;
}

bool impairments_check(const struct impairments_config *config, const struct schedule *schedule, char *why, size_t size)
{
	const struct jitter_config *jitter = &config->jitter;

	if (config->duplicate_delay_ns < 0)
		return refuse(why, size, "duplicate_delay_ns is %lld; it must be 0 or more", (long long)config->duplicate_delay_ns);
	if (jitter->correlation > UINT64_C(1) << 32 || jitter->correlation_time_ns < 0)
		return refuse(why, size, "the correlation of the jitter is from 0 to 1, or a time of 0 or more");
	if ((schedule->jitters || jitter->distribution.count) && !check_table(&jitter->distribution, "distribution", why, size))
		return false;
	if ((jitter->correlation || jitter->correlation_time_ns) && !check_table(&jitter->normal, "normal", why, size))
		return false;
	return check_loss(&config->loss, why, size);
}

/* Life */

/* A copy of `size` bytes in *to; whether there was memory. An empty one is NULL. */
static bool copy(const void *from, size_t size, const void **to)
{
	void *made = size ? malloc(size) : NULL;

	if (made)
		memcpy(made, from, size);
	*to = made;
	return made || !size;
}

struct impairments *impairments_new(const struct impairments_config *config)
{
	struct impairments *made = calloc(1, sizeof(*made));
	struct loss_config *loss;
	struct jitter_config *jitter;
	bool whole;

	if (!made)
		return NULL;
	made->config = *config;
	loss = &made->config.loss;
	jitter = &made->config.jitter;
	whole = copy(config->loss.pattern, loss->pattern_count * sizeof(*loss->pattern), (const void **)&loss->pattern);
	whole &= copy(config->loss.listed, loss->listed_count * sizeof(*loss->listed), (const void **)&loss->listed);
	whole &= copy(config->jitter.distribution.values, jitter->distribution.count * sizeof(int32_t),
		(const void **)&jitter->distribution.values);
	whole &= copy(config->jitter.normal.values, jitter->normal.count * sizeof(int32_t),
		(const void **)&jitter->normal.values);
	made->jitter.config = *jitter;
	if (whole)
		return made;
	impairments_free(made);
	return NULL;
}

void impairments_free(struct impairments *impairments)
{
	if (!impairments)
		return;
	free((void *)impairments->config.loss.pattern);
	free((void *)impairments->config.loss.listed);
	free((void *)impairments->config.jitter.distribution.values);
	free((void *)impairments->config.jitter.normal.values);
	free(impairments);
}

void impairments_continue(struct impairments *impairments, const struct impairments *before)
{
	impairments->bad = before->bad;
	impairments->lost = before->lost;
	impairments->listed = before->listed;
	impairments->jitter.score = before->jitter.score;
	impairments->jitter.at = before->jitter.at;
	impairments->jitter.begun = before->jitter.begun;
}

/* Loss */

/* The frame is tested with the state before it moves. */
static bool lost_in_state(struct impairments *state, const struct draw *draw, uint32_t p)
{
	const struct loss_config *loss = &state->config.loss;
	bool lost = hit(draw->words[0], state->bad ? loss->bad : loss->good);

	if (hit(draw->words[1], state->bad ? loss->r : p))
		state->bad = !state->bad;
	return lost;
}

/* Into the bad state so often that the row's share of frames is lost: p = share x r / (1 - share), at most 1. */
static uint32_t burst_begins(uint32_t share, uint32_t r)
{
	uint64_t p;

	if (share >= CERTAIN)
		return CERTAIN;
	p = (uint64_t)share * r / (CERTAIN - share);
	return p < CERTAIN ? (uint32_t)p : CERTAIN;
}

static bool is_listed(struct impairments *state, uint64_t number)
{
	const struct loss_config *loss = &state->config.loss;

	while (state->listed < loss->listed_count && loss->listed[state->listed].last < number)
		state->listed++;
	return state->listed < loss->listed_count && loss->listed[state->listed].first <= number;
}

static bool is_lost(struct impairments *state, const struct draw *draw, uint64_t n, const struct row *row)
{
	const struct loss_config *loss = &state->config.loss;
	uint64_t place;

	switch (loss->model) {
	case LOSS_BERNOULLI:
		break;
	case LOSS_BURST:
		return lost_in_state(state, draw, burst_begins((uint32_t)row->loss_ppb, loss->r));
	case LOSS_GILBERT_ELLIOTT:
		return lost_in_state(state, draw, loss->p);
	case LOSS_PATTERN:
		place = state->lost < loss->pattern_count ? state->lost : loss->pattern_count - 1;
		state->lost = hit(draw->words[0], loss->pattern[place]) ? state->lost + 1 : 0;
		return state->lost > 0;
	case LOSS_LIST:
		return is_listed(state, n + 1);
	}
	return hit(draw->words[0], (uint32_t)row->loss_ppb);
}

/* All of it */

static int64_t jitter_ns(const struct row *row, int64_t deviations)
{
	return (int64_t)(((__int128)row->jitter_ns * deviations) >> JITTER_BITS);
}

struct fate impairments_decide(struct impairments *state, uint64_t key, uint64_t n, const struct row *row, int64_t now)
{
	struct draw drawn = draw(key, PURPOSE_LOSS, n);
	struct fate fate = {.lost = is_lost(state, &drawn, n, row)};

	if (row->jitter_ns || state->jitter.begun)
		fate.jitter_ns = jitter_ns(row, jitter_next(&state->jitter, draw(key, PURPOSE_JITTER, n).words[0], now));
	if (fate.lost)
		return fate;
	if (row->corrupt_ppb) {
		drawn = draw(key, PURPOSE_CORRUPTION, n);
		fate.corrupt = hit(drawn.words[0], (uint32_t)row->corrupt_ppb);
		fate.corruption = drawn.words[1];
	}
	if (row->duplicate_ppb) {
		drawn = draw(key, PURPOSE_DUPLICATION, n);
		fate.copied = hit(drawn.words[0], (uint32_t)row->duplicate_ppb);
		if (fate.copied && row->jitter_ns)
			fate.copy_jitter_ns = jitter_ns(row, table_at(&state->config.jitter.distribution, drawn.words[1]));
	}
	return fate;
}
