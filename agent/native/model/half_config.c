/* The rules that a half's configuration keeps beside its schedule's, each with the sentence that says how it is broken. */
#include "model/half.h"
#include "model/refuse.h"

bool half_config_check(const struct half_config *config, char *why, size_t size)
{
	if (config->capacity_amount < 0)
		return refuse(why, size, "capacity_amount is %lld; it must be 0 or more", (long long)config->capacity_amount);
	if (config->full_frame < 1)
		return refuse(why, size, "full_frame is %lld; it must be 1 byte or more", (long long)config->full_frame);
	if (config->reconfiguration_ns < 0)
		return refuse(why, size, "reconfiguration_ns is %lld; it must be 0 or more",
			(long long)config->reconfiguration_ns);
	if (config->schedule->bottlenecks && config->queue.discipline)
		return refuse(why, size, "the rows have several queue_id, which only droptail knows, and not %s",
			config->queue.discipline->name);
	return queue_config_check(&config->queue, why, size) &&
		impairments_check(&config->impairments, config->schedule, why, size);
}
