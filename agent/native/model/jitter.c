/* See jitter.h. The formulas are in docs/model.md; the reference has them in Python. */
#include "model/jitter.h"

#include <stdbool.h>

#define ONE (UINT64_C(1) << 32)
#define LN_2 UINT64_C(2977044472) /* in 1 / ONE */
#define TERMS 8                   /* of the exponential's series */

int64_t table_at(const struct table *table, uint32_t share)
{
	uint64_t place = (uint64_t)share * (table->count - 1);
	const int32_t *below = &table->values[place >> 32];

	return below[0] + (((int64_t)(below[1] - below[0]) * (int64_t)(place & (ONE - 1))) >> 32);
}

/* The probability of a value, the inverse of table_at(). */
static uint32_t share_of(const struct table *table, int64_t value)
{
	size_t low = 0, high = table->count - 1;
	uint64_t rest;

	if (value <= table->values[low])
		return 0;
	if (value >= table->values[high])
		return UINT32_MAX;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (table->values[middle] <= value)
			low = middle;
		else
			high = middle;
	}
	rest = ((uint64_t)(value - table->values[low]) << 32) / (uint64_t)(table->values[high] - table->values[low]);
	return (uint32_t)((((uint64_t)low << 32) + rest) / (table->count - 1));
}

/* exp(-time / scale), in 1 / ONE. */
static uint64_t decay(uint64_t time, uint64_t scale)
{
	unsigned __int128 exponent = ((unsigned __int128)time << 32) / scale;
	uint64_t halvings, rest, sum = ONE;

	if (exponent >= 32 * LN_2)
		return 0;
	halvings = (uint64_t)exponent / LN_2;
	rest = (uint64_t)exponent % LN_2;
	for (uint64_t k = TERMS; k > 0; k--)
		sum = ONE - ((rest * sum) >> 32) / k;
	return sum >> halvings;
}

/* The greatest integer whose square is not more. */
static uint64_t root(unsigned __int128 square)
{
	uint64_t found = 0;

	for (uint64_t bit = ONE; bit; bit >>= 1)
		if ((unsigned __int128)(found | bit) * (found | bit) <= square)
			found |= bit;
	return found;
}

int64_t jitter_next(struct jitter *jitter, uint32_t share, int64_t now)
{
	const struct jitter_config *config = &jitter->config;
	int64_t score;

	if (config->correlation || config->correlation_time_ns) {
		score = table_at(&config->normal, share);
		if (jitter->begun) {
			uint64_t kept = config->correlation_time_ns ?
				decay((uint64_t)(now - jitter->at), (uint64_t)config->correlation_time_ns) : config->correlation;
			uint64_t fresh = root(((unsigned __int128)ONE << 32) - (unsigned __int128)kept * kept);

			score = ((int64_t)kept * jitter->score + (int64_t)fresh * score) >> 32;
		}
		jitter->begun = true;
		jitter->score = score;
		jitter->at = now;
		share = share_of(&config->normal, score);
	}
	return table_at(&config->distribution, share);
}
