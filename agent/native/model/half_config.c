/* The rules that a half's configuration keeps, each with the sentence that says how it is broken. */
#include "model/half.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static bool refuse(char *why, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, size, format, arguments);
	va_end(arguments);
	return false;
}

static bool check_row(const struct half_config *config, size_t i, char *why, size_t size)
{
	const struct row *row = &config->rows[i];

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
	if (row->route >= config->routes)
		return refuse(why, size, "rows[%zu].route is %lu; it must be below routes, %lu", i, (unsigned long)row->route,
			(unsigned long)config->routes);
	return true;
}

static bool check_numbers(const struct half_config *config, char *why, size_t size)
{
	if (config->row_count < 1 || config->row_count >= UINT32_MAX)
		return refuse(why, size, "there are %zu rows; legal is 1 to 2^32 - 2", config->row_count);
	if (config->routes < 1 || config->routes > config->row_count)
		return refuse(why, size, "routes is %lu; it must be from 1 to the number of rows, %zu",
			(unsigned long)config->routes, config->row_count);
	if (config->capacity_amount < 0)
		return refuse(why, size, "capacity_amount is %lld; it must be 0 or more", (long long)config->capacity_amount);
	if (config->full_frame < 1)
		return refuse(why, size, "full_frame is %lld; it must be 1 byte or more", (long long)config->full_frame);
	if (config->reconfiguration_ns < 0)
		return refuse(why, size, "reconfiguration_ns is %lld; it must be 0 or more",
			(long long)config->reconfiguration_ns);
	return true;
}

bool half_config_check(const struct half_config *config, char *why, size_t size)
{
	int64_t last;

	if (!check_numbers(config, why, size))
		return false;
	for (size_t i = 0; i < config->row_count; i++)
		if (!check_row(config, i, why, size))
			return false;
	last = config->rows[config->row_count - 1].time_ns;
	if (config->period_ns != 0 && config->period_ns <= last)
		return refuse(why, size, "period_ns is %lld; it must be later than the last row, %lld, or 0 for none",
			(long long)config->period_ns, (long long)last);
	return true;
}
