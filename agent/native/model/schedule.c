/* Integrates a step function of rates exactly, in 128-bit integers, and finds one's place in it without long walks. */
#include "model/schedule.h"

#include <stdlib.h>

#include "model/opportunities.h"

#define WORK_PER_BYTE (UINT64_C(8) * NS_PER_S)

static int64_t row_end(const struct schedule *schedule, uint32_t row)
{
	return row + 1 < schedule->count ? schedule->rows[row + 1].time_ns : schedule->loop_ns + schedule->period_ns;
}

static void find_changes(struct schedule *schedule)
{
	uint32_t last = schedule->count - 1;

	schedule->next_reconfiguration[last] = schedule->count;
	for (uint32_t i = last; i > 0; i--) {
		bool change = schedule->rows[i].route != schedule->rows[i - 1].route;

		schedule->next_reconfiguration[i - 1] = change ? i : schedule->next_reconfiguration[i];
	}
	schedule->reconfiguration_at_wrap =
		schedule->period_ns && schedule->rows[schedule->loop_row].route != schedule->rows[last].route;
}

static void sum_up(struct schedule *schedule)
{
	schedule->min_delay_ns = schedule->rows[0].delay_ns;
	for (uint32_t i = 0; i < schedule->count; i++) {
		const struct row *row = &schedule->rows[i];

		schedule->jitters |= row->jitter_ns != 0;
		schedule->duplicates |= row->duplicate_ppb != 0;
		schedule->bottlenecks |= row->queue_id != schedule->rows[0].queue_id;
		schedule->impaired |= row->jitter_ns || row->loss_ppb || row->duplicate_ppb || row->corrupt_ppb;
		if (row->delay_ns < schedule->min_delay_ns)
			schedule->min_delay_ns = row->delay_ns;
		if (i < schedule->loop_row)
			continue;
		if (row->rate_bps == RATE_UNLIMITED)
			schedule->instant = true;
		else if (schedule->period_ns)
			schedule->cycle_work += (work)row->rate_bps * (uint64_t)(row_end(schedule, i) - row->time_ns);
	}
}

struct schedule *schedule_new(struct row *rows, size_t count, int64_t period_ns, uint32_t routes)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));

	if (!schedule) {
		free(rows);
		return NULL;
	}
	*schedule = (struct schedule){
		.holders = 1, .rows = rows, .routes = routes, .count = (uint32_t)count, .period_ns = period_ns};
	schedule->next_reconfiguration = malloc(count * sizeof(*schedule->next_reconfiguration));
	if (!schedule->next_reconfiguration) {
		schedule_release(schedule);
		return NULL;
	}
	find_changes(schedule);
	sum_up(schedule);
	return schedule;
}

void schedule_loop_from(struct schedule *schedule, int64_t loop_ns)
{
	schedule->loop_ns = loop_ns;
	while (schedule->rows[schedule->loop_row].time_ns < loop_ns)
		schedule->loop_row++;
	schedule->instant = false;
	schedule->cycle_work = 0;
	find_changes(schedule);
	sum_up(schedule);
}

bool schedule_serve_by(struct schedule *schedule, const struct opportunities *opportunities)
{
	schedule->opportunities = *opportunities;
	return opportunities_index(&schedule->opportunities);
}

struct schedule *schedule_hold(struct schedule *schedule)
{
	atomic_fetch_add(&schedule->holders, 1);
	return schedule;
}

void schedule_release(struct schedule *schedule)
{
	if (!schedule || atomic_fetch_sub(&schedule->holders, 1) > 1)
		return;
	free(schedule->rows);
	free(schedule->next_reconfiguration);
	opportunities_end(&schedule->opportunities);
	free(schedule);
}

int64_t schedule_until(const struct schedule *schedule, const struct cursor *cursor)
{
	int64_t end = row_end(schedule, cursor->row);

	return end ? time_after(cursor->cycle, end) : TIME_NEVER;
}

/* The last row of the cycle that begins by `offset` into it, given that row `low` does. */
static uint32_t find_row(const struct schedule *schedule, uint32_t low, int64_t offset)
{
	uint32_t high = schedule->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (schedule->rows[middle].time_ns <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void schedule_seek(const struct schedule *schedule, struct cursor *cursor, int64_t t)
{
	if (t < schedule_until(schedule, cursor))
		return;
	if (schedule->period_ns && t - cursor->cycle - schedule->loop_ns >= schedule->period_ns) {
		cursor->cycle += (t - cursor->cycle - schedule->loop_ns) / schedule->period_ns * schedule->period_ns;
		cursor->row = schedule->loop_row;
	}
	cursor->row = find_row(schedule, cursor->row, t - cursor->cycle);
}

int64_t schedule_next_reconfiguration(const struct schedule *schedule, const struct cursor *cursor)
{
	uint32_t next = schedule->next_reconfiguration[cursor->row];
	int64_t next_cycle = time_after(cursor->cycle, schedule->period_ns);

	if (next < schedule->count)
		return time_after(cursor->cycle, schedule->rows[next].time_ns);
	if (schedule->reconfiguration_at_wrap)
		return time_after(next_cycle, schedule->loop_ns);
	next = schedule->next_reconfiguration[schedule->loop_row];
	if (schedule->period_ns && next < schedule->count)
		return time_after(next_cycle, schedule->rows[next].time_ns);
	return TIME_NEVER;
}

/* At the begin of what is repeated: leaves out the cycles that `left` outlasts. False if it outlasts all of them. */
static bool skip_cycles(const struct schedule *schedule, struct cursor *cursor, work *left)
{
	work cycles;

	if (schedule->instant)
		return true;
	if (schedule->cycle_work == 0)
		return false;
	cycles = (*left - 1) / schedule->cycle_work;
	if (cycles > (work)((TIME_NEVER - cursor->cycle) / schedule->period_ns))
		return false;
	*left -= cycles * schedule->cycle_work;
	cursor->cycle += (int64_t)cycles * schedule->period_ns;
	return true;
}

/* Steps to the next row; false if `left` will never be done. `until` is when the row at the cursor ends. */
static bool next_row(const struct schedule *schedule, struct cursor *cursor, int64_t until, work *left)
{
	if (++cursor->row < schedule->count)
		return true;
	*cursor = (struct cursor){.cycle = until - schedule->loop_ns, .row = schedule->loop_row};
	return skip_cycles(schedule, cursor, left);
}

int64_t schedule_service_end(const struct schedule *schedule, struct cursor cursor, int64_t start, uint32_t length)
{
	work left = (work)length * WORK_PER_BYTE;
	int64_t at = start;

	schedule_seek(schedule, &cursor, start);
	for (;;) {
		int64_t until = schedule_until(schedule, &cursor);
		work rate = (work)schedule->rows[cursor.row].rate_bps;
		work span = (work)(until - at);

		if (rate == RATE_UNLIMITED)
			return at;
		if (rate > 0 && left <= rate * span)
			return at + (int64_t)((left + rate - 1) / rate);
		if (until == TIME_NEVER)
			return TIME_NEVER;
		left -= rate * span;
		if (!next_row(schedule, &cursor, until, &left))
			return TIME_NEVER;
		at = schedule->rows[cursor.row].time_ns + cursor.cycle;
	}
}
