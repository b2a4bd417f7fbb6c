/* The rules that a schedule keeps, each with the sentence that says how it is broken. */
#include "model/refuse.h"
#include "model/schedule.h"

static bool check_share(int64_t parts)
{
	return parts >= 0 && parts <= 1000000000;
}

static bool check_row(const struct row *rows, size_t i, int64_t routes, char *why, size_t size)
{
	const struct row *row = &rows[i];

	if (i == 0 && row->time_ns != 0)
		return refuse(why, size, "rows[0].time_ns is %lld; the first row begins at 0", (long long)row->time_ns);
	if (i > 0 && row->time_ns <= row[-1].time_ns)
		return refuse(why, size, "rows[%zu].time_ns is %lld; it must be later than the row before, %lld", i,
			(long long)row->time_ns, (long long)row[-1].time_ns);
	if (row->delay_ns < 0)
		return refuse(why, size, "rows[%zu].delay_ns is %lld; it must be 0 or more", i, (long long)row->delay_ns);
	if (row->rate_bps < 0)
		return refuse(why, size, "rows[%zu].rate_bps is %lld; it must be 0 or more", i, (long long)row->rate_bps);
	if (row->queue_bytes < -1)
		return refuse(why, size, "rows[%zu].queue_bytes is %lld; it must be 0 or more, or -1 for the link's own", i,
			(long long)row->queue_bytes);
	if (!check_share(row->loss_ppb) || !check_share(row->duplicate_ppb) || !check_share(row->corrupt_ppb))
		return refuse(why, size, "rows[%zu]: a probability of loss, duplication or corruption is not from 0 to 10^9", i);
	if (row->jitter_ns < 0)
		return refuse(why, size, "rows[%zu].jitter_ns is %lld; it must be 0 or more", i, (long long)row->jitter_ns);
	if (row->queue_id < 0 || row->queue_id > UINT32_MAX)
		return refuse(why, size, "rows[%zu].queue_id is %lld; it must be from 0 to 2^32 - 1", i, (long long)row->queue_id);
	if (row->route < 0 || row->route >= routes)
		return refuse(why, size, "rows[%zu].route is %lld; it must be below routes, %lld, and 0 or more", i,
			(long long)row->route, (long long)routes);
	return true;
}

bool repetition_check(const struct row *rows, size_t count, int64_t period_ns, int64_t loop_ns, char *why, size_t size)
{
	int64_t last = rows[count - 1].time_ns;
	size_t row = 0;

	while (row < count - 1 && rows[row].time_ns < loop_ns)
		row++;
	if (rows[row].time_ns != loop_ns || (period_ns == 0 && loop_ns != 0))
		return refuse(why, size, "loop_ns is %lld; it must be when a row begins from which on rows repeat", (long long)loop_ns);
	if (period_ns != 0 && (period_ns <= last - loop_ns || period_ns > TIME_NEVER - loop_ns))
		return refuse(why, size, "period_ns is %lld; it must be later than the last row, %lld, or 0 for none",
			(long long)period_ns, (long long)(last - loop_ns));
	return true;
}

bool schedule_check(const struct row *rows, size_t count, int64_t routes, char *why, size_t size)
{
	if (count < 1 || count >= UINT32_MAX)
		return refuse(why, size, "there are %zu rows; legal is 1 to 2^32 - 2", count);
	if (routes < 1 || routes > (int64_t)count)
		return refuse(why, size, "routes is %lld; it must be from 1 to the number of rows, %zu", (long long)routes, count);
	for (size_t i = 0; i < count; i++)
		if (!check_row(rows, i, routes, why, size))
			return false;
	return true;
}
