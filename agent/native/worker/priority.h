/*
 * How the calling thread stands against others for the CPU.
 *
 * A real-time thread is woken before all ordinary ones, but the kernel takes the CPU from it for the rest of a period (50 ms
 * of every second) once it has run for its share of that: a hole in the emulation. So real-time priority is held only
 * within an allowance that no such period can exceed; when it is used up, the thread goes on as an ordinary one with the
 * best nice value, and returns when half of it has come back.
 */
#ifndef PLCTL_PRIORITY_H
#define PLCTL_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/allowance.h"

struct priority_config {
	int cpu;                    /* to run on, or -1 for any */
	int real_time;              /* SCHED_FIFO priority, or 0 for none */
	int64_t real_time_share;    /* of all time that may run so, in millionths; see allowance.h */
	int64_t real_time_burst_ns; /* and at once */
};

struct priority {
	pid_t thread;
	int cpu_error; /* what could not be had: errnos, 0 for all well */
	int nice_error;
	int real_time_error;
	int real_time;   /* 0: none was asked for or given */
	bool is_real_time;
	bool raised;     /* for the moment, whatever was asked for */
	bool is_raised;  /* and the kernel allowed it */
	int64_t looked_ns; /* at the clock of CPU time, as of now */
	int64_t cpu_ns;
	struct allowance allowance;
};

void priority_take(struct priority *priority, const struct priority_config *config, int64_t now);
/*
 * While `raised`, which should be a few milliseconds at most, no ordinary thread is let onto the CPU in between; without the
 * right to that nothing changes.
 */
void priority_raise(struct priority *priority, bool raised);
/* Let those of the same priority go before; an ordinary thread, which would lose its slice to all others, keeps the CPU. */
void priority_yield(const struct priority *priority);
void priority_keep(struct priority *priority, int64_t now); /* to be called often: it costs nothing most times */

#endif
