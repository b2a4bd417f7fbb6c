/*
 * One direction of an emulated link, in virtual time: the bottleneck's queue, its service, and the propagation behind it.
 *
 * Pure arithmetic in integer nanoseconds. Nothing here reads a clock, touches a socket or allocates after half_init();
 * the caller says what time it is. All times are on one monotonic clock except a row's, which counts from T0.
 *
 * The order of events at one instant t, which the Python reference (tests/model/reference.py) shares:
 *   1. frames with due <= t have been delivered;
 *   2. a reconfiguration at t begins (blackout until t + D; frames in flight are held up);
 *   3. a service that ends at t ends: the frame leaves the backlog and takes its due time from the row in force at t;
 *   4. the next queued frame enters service, unless a blackout holds;
 *   5. a frame that arrives at t is admitted or dropped, and enters service at once if nothing is queued or in service.
 */
#ifndef PLCTL_HALF_H
#define PLCTL_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_NEVER INT64_MAX     /* later than everything */
#define RATE_UNLIMITED INT64_MAX /* service takes no time */
#define NS_PER_S INT64_C(1000000000)

/* What holds from time_ns (after T0) until the next row's time. */
struct row {
	int64_t time_ns;
	int64_t delay_ns;
	int64_t rate_bps;    /* 0: an outage; RATE_UNLIMITED: served in no time */
	int64_t queue_bytes; /* capacity while in force, or -1: as configured */
	uint32_t route;      /* dense: 0 ... routes - 1 */
};

enum capacity_unit { CAPACITY_BYTES, CAPACITY_PACKETS, CAPACITY_BDP /* amount in millionths */ };
enum reconfiguration_mode { RECONFIGURATION_GSL, RECONFIGURATION_ALL };

/* What became of a frame on arrival. The values are recorded in packet logs: never renumber. */
enum verdict { VERDICT_ADMITTED = 0, VERDICT_QUEUE_FULL = 1 };

/*
 * A frame on its way. The caller owns the memory, hands it over with half_arrive() (if admitted) and gets it back from
 * half_pop(). `length` is what is served and queued: frame bytes plus the link's overhead.
 */
struct packet {
	struct packet *next;
	int64_t arrival; /* as the model saw it: max(kernel timestamp, virtual now) */
	int64_t start;   /* service */
	int64_t end;
	int64_t due;
	uint32_t length;
	uint32_t route;
	uint64_t serial; /* order of service; breaks ties of due across routes */
};

struct half_config {
	const struct row *rows; /* strictly ascending, rows[0].time_ns == 0; borrowed for the half's life */
	size_t row_count;       /* >= 1 */
	int64_t period_ns;      /* 0: the last row holds; else > the last row's time */
	uint32_t routes;        /* number of distinct routes */
	enum capacity_unit capacity_unit;
	int64_t capacity_amount;
	int64_t full_frame; /* bytes of a full-size frame with overhead; a BDP capacity is never below ten of them */
	int64_t reconfiguration_ns;
	enum reconfiguration_mode reconfiguration_mode;
};

struct half; /* half.c */

/* NULL with errno set (EINVAL: the config breaks a rule above; ENOMEM). Row 0 holds until half_arm(). */
struct half *half_new(const struct half_config *config);
void half_free(struct half *half); /* packets still inside are the caller's: drain with half_drain() first */

/* Scenario time starts at t0 >= half_now(). Recomputes the end of a service that is under way. */
void half_arm(struct half *half, int64_t t0);

/* Brings virtual time to now (no-op if it is there already): ends and begins services, runs reconfigurations. */
void half_advance(struct half *half, int64_t now);

/*
 * A frame of packet->length bytes arrives at `at`; a time before virtual now is moved up to it (packet->arrival says
 * which). Advances to that time first. The half keeps the packet only if the verdict is VERDICT_ADMITTED.
 */
enum verdict half_arrive(struct half *half, struct packet *packet, int64_t at);

/* The frame with the earliest due <= now, in order of (due, serial); NULL if none. Call half_advance(now) first. */
struct packet *half_pop(struct half *half, int64_t now);

/* A time before which no frame can become due (so the caller may sleep until then); TIME_NEVER if nothing is inside. */
int64_t half_next_due(const struct half *half);

/* Any packet still inside, due or not; NULL when empty. Only to give the memory back. */
struct packet *half_drain(struct half *half);

/* What is inside at virtual now, for telemetry. */
struct half_gauges {
	int64_t queue_bytes; /* backlog: queued and in service */
	int64_t queue_packets;
	int64_t in_flight_packets; /* served, not yet popped */
	uint32_t row;              /* index of the row in force */
};
void half_gauges(const struct half *half, struct half_gauges *gauges);
int64_t half_now(const struct half *half);

#endif
