/*
 * The step function of one direction's rows: which row is in force, when the next reconfiguration comes, and when a
 * service ends. All in absolute time; a schedule learns T0 when its half is armed.
 *
 * A cursor remembers a place in the schedule, so that walking forward costs O(1) a row and a leap of any length O(log
 * rows): whole cycles of a repeated schedule are skipped by division.
 */
#ifndef PLCTL_SCHEDULE_H
#define PLCTL_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_NEVER INT64_MAX     /* later than everything */
#define RATE_UNLIMITED INT64_MAX /* service takes no time */
#define NS_PER_S INT64_C(1000000000)

/* The fields of a row, in the order in which Python has them (ROW_FIELDS of plctl.common.scenario.schedule). */
#define ROW_FIELDS(FIELD) \
	FIELD(time_ns)     /* after T0 */ \
	FIELD(route)       /* dense: 0 ... routes - 1 */ \
	FIELD(delay_ns) \
	FIELD(rate_bps)    /* 0: an outage; RATE_UNLIMITED: served in no time */ \
	FIELD(queue_bytes) /* capacity while in force, or -1: as configured */ \
	FIELD(loss_ppb)    /* probabilities, in parts per 10^9 */ \
	FIELD(duplicate_ppb) \
	FIELD(corrupt_ppb) \
	FIELD(jitter_ns)   /* the deviation of what is added to the delay */ \
	FIELD(queue_id)    /* of the bottleneck that a frame which arrives finds: only its backlog counts */

/* What holds from time_ns until the next row's time. */
struct row {
#define ROW_FIELD(name) int64_t name;
	ROW_FIELDS(ROW_FIELD)
#undef ROW_FIELD
};

#define ROW_FIELD_COUNT (sizeof(struct row) / sizeof(int64_t))

typedef unsigned __int128 work; /* bits x 1e9 = (bit/s) x ns: exact for every int64 rate and span */

struct opportunity_mark;

/* A trace of instants, each worth so many bytes (opportunities.h). */
struct opportunities {
	uint8_t *gaps; /* LEB128, in units: from 0 to the first instant, from there to the next ...; NULL: service is by rates */
	size_t length; /* of them */
	int64_t unit_ns;
	int64_t period_ns; /* after which it begins again; no earlier than the last instant */
	int64_t bytes;
	uint32_t count; /* of instants */
	struct opportunity_mark *marks;
};

/* Never changed once made, and shared: by all halves that follow it, whatever their threads. */
struct schedule {
	_Atomic unsigned holders;
	struct row *rows;     /* strictly ascending, rows[0].time_ns == 0 */
	uint32_t routes;      /* number of distinct routes, 1 ... count */
	uint32_t *next_reconfiguration; /* per row: the next row of the cycle with a route of its own; `count` if none */
	uint32_t count;
	bool reconfiguration_at_wrap; /* the wrap of a repeated schedule is a reconfiguration */
	bool instant;        /* the rate of some row from loop_row on is unlimited */
	bool impaired;       /* some row loses, duplicates, corrupts or has jitter */
	bool jitters;        /* some row has jitter */
	bool duplicates;     /* some row duplicates frames */
	bool bottlenecks;    /* there are several: some rows differ in queue_id */
	int64_t period_ns;   /* 0: not repeated */
	uint32_t loop_row;   /* with which rows begin again after each period; those before it come once */
	int64_t loop_ns;     /* when it begins */
	int64_t min_delay_ns;
	work cycle_work; /* what one cycle serves, from loop_row on; meaningless if `instant` */
	struct opportunities opportunities;
};

struct cursor {
	int64_t cycle; /* T0 + k x period, from which rows count: when the cycle began; TIME_NEVER while T0 is unknown */
	uint32_t row;
};

static inline int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* a + b for b >= 0, at most TIME_NEVER. */
static inline int64_t time_after(int64_t a, int64_t b)
{
	return a > TIME_NEVER - b ? TIME_NEVER : a + b;
}

/* Whether these make a schedule; if not, `why` (of `size` bytes; 160 are enough) says which rule they break. */
bool schedule_check(const struct row *rows, size_t count, int64_t routes, char *why, size_t size);

/* Whether rows that schedule_check() allows may begin again, after each period, with the one at loop_ns; if not, `why` says why. */
bool repetition_check(const struct row *rows, size_t count, int64_t period_ns, int64_t loop_ns, char *why, size_t size);

/* A schedule with one holder, of rows that schedule_check() allows; it takes them over (free()). NULL: no memory. */
struct schedule *schedule_new(struct row *rows, size_t count, int64_t period_ns, uint32_t routes);

/*
 * Service is by these opportunities, which opportunities_check() allows; takes their gaps over. Before anybody else holds
 * the schedule. False: no memory.
 */
bool schedule_serve_by(struct schedule *schedule, const struct opportunities *opportunities);

struct schedule *schedule_hold(struct schedule *schedule); /* one holder more; returns it */
void schedule_release(struct schedule *schedule);          /* one less; the last takes it away. NULL is fine */

/* Rows begin again with the one at loop_ns, as repetition_check() allows. Before anybody else holds it. */
void schedule_loop_from(struct schedule *schedule, int64_t loop_ns);

/* The cursor of a schedule that starts at t0; row 0 is in force before t0 too. */
static inline struct cursor schedule_begin(int64_t t0)
{
	return (struct cursor){.cycle = t0, .row = 0};
}

/* When the row at the cursor gives way to the next; TIME_NEVER if it does not. */
int64_t schedule_until(const struct schedule *schedule, const struct cursor *cursor);

/* Moves the cursor forward to the row in force at t; a cursor that is there or beyond stays. */
void schedule_seek(const struct schedule *schedule, struct cursor *cursor, int64_t t);

/* The first reconfiguration later than the begin of the row at the cursor; TIME_NEVER if there is none. */
int64_t schedule_next_reconfiguration(const struct schedule *schedule, const struct cursor *cursor);

/*
 * When a service of `length` bytes ends that starts at `start`: the first ns at which the integral of rate(t) from start
 * reaches 8 x length bits; the begin of an unlimited row, if that comes first; TIME_NEVER if neither comes. `cursor` is
 * at or before the row in force at start.
 */
int64_t schedule_service_end(const struct schedule *schedule, struct cursor cursor, int64_t start, uint32_t length);

#endif
