/* See priority.h. sched_setattr(2) has no wrapper in older C libraries. */
#include "worker/priority.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "path/clock.h"

#define NICE (-20) /* before the workloads: what they do late is their result, what we do late is our error */
#define SLICE_NS 100000 /* the shortest that the kernel gives */
#define LOOK_EVERY_NS 1000000
#define RAISED 1 /* the lowest real-time priority is above all ordinary threads */

struct attributes { /* struct sched_attr of linux/sched/types.h, which clashes with sched.h */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int set_attributes(struct attributes attributes)
{
	attributes.size = sizeof(attributes);
	return syscall(SYS_sched_setattr, 0, &attributes, 0) < 0 ? errno : 0;
}

/*
 * Nice gives the larger share, and the short slice lets this thread preempt one that has not used up its own (EEVDF since
 * Linux 6.12; before, the kernel ignores it): without it a wake-up waits up to 3 ms on a busy CPU.
 */
static int go_first(void)
{
	return set_attributes((struct attributes){.policy = SCHED_OTHER, .nice = NICE, .runtime = SLICE_NS});
}

static int go_real_time(int priority)
{
	return set_attributes((struct attributes){.policy = SCHED_FIFO, .priority = priority});
}

static int pin_to(int cpu)
{
	cpu_set_t cpus;

	if (cpu < 0)
		return 0;
	if (cpu >= CPU_SETSIZE)
		return EINVAL;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) < 0 ? errno : 0;
}

void priority_take(struct priority *priority, const struct priority_config *config, int64_t now)
{
	*priority = (struct priority){.thread = gettid(), .looked_ns = now, .cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID)};
	priority->cpu_error = pin_to(config->cpu);
	priority->nice_error = go_first();
	if (!config->real_time)
		return;
	allowance_init(&priority->allowance, config->real_time_share, config->real_time_burst_ns, now);
	priority->real_time_error = go_real_time(config->real_time);
	if (!priority->real_time_error) {
		priority->real_time = config->real_time;
		priority->is_real_time = true;
	}
}

void priority_raise(struct priority *priority, bool raised)
{
	if (priority->raised == raised)
		return;
	priority->raised = raised;
	priority->is_raised = false;
	if (priority->is_real_time)
		return;
	if (raised)
		priority->is_raised = go_real_time(RAISED) == 0;
	else
		go_first();
}

void priority_yield(const struct priority *priority)
{
	if (priority->is_real_time || priority->is_raised)
		sched_yield();
}

void priority_keep(struct priority *priority, int64_t now)
{
	int64_t cpu_ns, left;

	if (!priority->real_time || now - priority->looked_ns < LOOK_EVERY_NS)
		return;
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	if (priority->is_real_time)
		allowance_spend(&priority->allowance, cpu_ns - priority->cpu_ns);
	priority->looked_ns = now;
	priority->cpu_ns = cpu_ns;
	left = allowance_left(&priority->allowance, now);
	if (priority->is_real_time && left <= 0)
		priority->is_real_time = go_first() != 0;
	else if (!priority->is_real_time && left >= priority->allowance.burst / 2)
		priority->is_real_time = go_real_time(priority->real_time) == 0;
}
