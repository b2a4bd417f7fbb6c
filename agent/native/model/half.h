/*
 * One direction of an emulated link, in virtual time: the bottleneck's queue, its service, and the propagation behind it.
 *
 * Pure arithmetic in integer nanoseconds. Nothing here reads a clock, touches a socket or allocates after half_new();
 * the caller says what time it is. All times are on one monotonic clock and 0 or later, except a row's, which counts
 * from T0. A sum that would reach TIME_NEVER is TIME_NEVER.
 *
 * The order of events at one instant t, which the Python reference (common/reference/half.py) shares:
 *   1. frames with due <= t have been delivered;
 *   2. a reconfiguration at t begins (blackout until t + D; frames in flight are held up);
 *   3. a service that ends at t ends: the frame leaves the backlog and takes its due time from the row in force at t;
 *   4. the next queued frame that the discipline leaves enters service, unless a blackout holds; one that takes no time
 *      ends at once, as in 3;
 *   5. a frame that arrives at t is admitted or dropped, and enters service at once (as in 4) if nothing is queued or in
 *      service. Frames that arrive at one instant go through 5 one after the other.
 *
 * A row in force at t is the last with T0 + time_ns <= t. A row whose route differs from its predecessor's is a
 * reconfiguration; so is the wrap of a repeated schedule whose last and first routes differ. A reconfiguration at t:
 *   - blackout until t + D: no service starts; one under way goes on; what ends its service is due no earlier than the
 *     blackout's end;
 *   - frames in flight that are due after t: in mode gsl due = max(due, t + D), in mode all due = due + D. What was due
 *     by t counts as delivered, popped or not.
 * Before T0 the path does nothing but delay frames.
 * Within a route, due = max(end + delay, blackout's end, due of the frame before it on that route). With jitter
 * due = max(end, end + delay + jitter) in place of end + delay; a copy is due by its own jitter, the configured
 * duplicate_delay_ns later, and follows its original. Where frames may be reordered, the frame before has no say.
 */
#ifndef PLCTL_HALF_H
#define PLCTL_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/impairments.h"
#include "model/queue.h"
#include "model/schedule.h"

enum capacity_unit { CAPACITY_BYTES, CAPACITY_PACKETS, CAPACITY_BDP /* amount in millionths */ };
enum reconfiguration_mode { RECONFIGURATION_GSL, RECONFIGURATION_ALL };

struct half_config {
	struct schedule *schedule; /* which the half holds from half_new() to half_free() */
	enum capacity_unit capacity_unit;
	int64_t capacity_amount;
	int64_t full_frame; /* bytes of a full-size frame with overhead; a BDP capacity is never below ten of them */
	int64_t reconfiguration_ns; /* D */
	enum reconfiguration_mode reconfiguration_mode;
	struct queue_config queue;
	struct impairments_config impairments; /* what it points to is copied by half_new() */
	uint64_t key; /* of what is drawn for this half's frames (draw.h): from the run's seed, the link's name, the direction */
};

struct half; /* half.c */

/*
 * Gives memory for a copy of `original`, which the path is about to make: a packet whose owner and frame are as the
 * original's; NULL: there is none, and no copy is made. The half fills the packet in.
 */
typedef struct packet *(*make_copy)(void *owner, const struct packet *original);

/* Whether the config keeps every rule above; if not, `why` (of `size` bytes; 160 are enough) says which it breaks. */
bool half_config_check(const struct half_config *config, char *why, size_t size);

/*
 * A half at virtual time 0, in which row 0 holds until half_arm(). Copies the config. NULL with errno
 * set: EINVAL (half_config_check() says why) or ENOMEM.
 */
struct half *half_new(const struct half_config *config);
void half_set_copies(struct half *half, make_copy copies, void *owner); /* before any frame arrives; without it, none are made */
bool half_makes_copies(const struct half *half);                       /* whether any row duplicates frames */
void half_free(struct half *half); /* packets still inside are the caller's: drain with half_drain() first */

/*
 * Scenario time starts at t0; row 0 holds until then. Recomputes the end of a service that is under way, so ask
 * half_next_due() again. May be called again to move t0 while the earlier one is still to come. False, and nothing is
 * changed, if t0 < half_now() or scenario time has started.
 */
bool half_arm(struct half *half, int64_t t0);

/*
 * Live change: another schedule, and impairments to go with it, that a half goes over to between two calls. The schedule has
 * the rows of the one before it until `at`, which is later than virtual now and T0: so nothing that has happened would have been
 * otherwise, what is in flight stays due when it is, and what is in service ends when the rates that it now meets say. A route
 * that both have keeps its number. It is made beforehand, so that the change itself allocates nothing, and holds afterwards
 * what the half needs no more.
 */
struct half_change *half_change_new(const struct half_config *config); /* NULL with errno set, as half_new() */
void half_change_free(struct half_change *change);                    /* NULL is fine */

/*
 * 0, or why the half cannot go over to it at `at`: EAGAIN, scenario time does not start before that; ETIME, virtual time is there
 * already; EINVAL, it is not of the half's kind (service by opportunities, fewer routes, no table for the jitter that has begun).
 */
int half_can_change(const struct half *half, const struct half_change *change, int64_t at);
void half_change(struct half *half, struct half_change *change); /* which can; ask half_next_due() again */

/* Brings virtual time to now < TIME_NEVER (no-op if it is there already): services, reconfigurations. */
void half_advance(struct half *half, int64_t now);

/* Whether the queueing discipline looks at the ECN field and the flow of the frames that arrive. */
bool half_reads_headers(const struct half *half);

/*
 * A frame of packet->length bytes arrives at `at`; a time before virtual now is moved up to it (packet->arrival says
 * which). Advances to that time first. The half keeps the packet only if the verdict is VERDICT_ADMITTED; it may give it
 * back by half_dropped() all the same.
 */
enum verdict half_arrive(struct half *half, struct packet *packet, int64_t at);

/*
 * A frame that was admitted, and that the queueing discipline or the path has dropped since, for the cause in
 * packet->verdict; NULL if there is none. Any call that takes a time may drop frames.
 */
struct packet *half_dropped(struct half *half);

/*
 * Whether nothing but service changed the queue since `at`, a time before virtual now: no frame was admitted, and the same
 * row was in force. Then a frame that finds no room now would have found none at `at`, when there was no more of it.
 */
bool half_undisturbed_since(const struct half *half, int64_t at);

/* Advances to now, then: the frame with the earliest due <= now, in order of (due, serial); NULL if none. */
struct packet *half_pop(struct half *half, int64_t now);

/*
 * A time before which no frame can become due unless half_arrive() or half_arm() is called (so the caller may sleep until
 * then); TIME_NEVER if nothing is inside. Later than virtual now once everything due has been popped.
 */
int64_t half_next_due(const struct half *half);

/* What arrives at t is due no earlier than t and so much, whichever row is in force then; until half_change(). */
int64_t half_least_transit_ns(const struct half *half);

/*
 * Adds to *packets how many frames in flight are due by `at` <= virtual now, and makes *oldest the earliest due time of any
 * of them and of itself, unless it is 0, which means none.
 */
void half_overdue(const struct half *half, int64_t at, int64_t *packets, int64_t *oldest);

/* Any packet still inside, due, dropped or neither; NULL when empty. Only to give the memory back: after it, drain on and free. */
struct packet *half_drain(struct half *half);

/* What is inside at virtual now, for telemetry. */
struct half_gauges {
	int64_t queue_bytes; /* backlog: queued and in service */
	int64_t queue_packets;
	int64_t in_flight_packets; /* served, not yet popped */
	uint64_t served_packets;   /* since the half was made: those whose service has ended */
	uint64_t served_bytes;     /* their lengths, so with the overhead */
	uint64_t marked_packets;   /* by the queue, so far */
	int64_t aqm_ppm;           /* what its discipline's probability() says, or 0 */
	int64_t aqm_average_bytes; /* what its average() says, or 0 */
	uint32_t row;              /* index of the row in force */
};
void half_gauges(struct half *half, struct half_gauges *gauges);
int64_t half_now(const struct half *half);

#endif
