/*
 * A record of each frame that came to a link, in memory shared with the agent: a ring for each direction, with the
 * link's worker as its one writer and the agent as its one reader. The writer never waits: what finds the ring full is
 * counted as lost. A record is written when the frame's fate is known, that is when it is sent or dropped.
 *
 * Where it was asked for, the frame's first bytes, as they arrived, are kept beside its record: in a second ring for each
 * direction, which holds the bytes of the records with LOGGED_CAPTURED one after the other. What finds no room there is
 * counted, and has its record without that flag.
 */
#ifndef PLCTL_PACKET_LOG_H
#define PLCTL_PACKET_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/counters.h"

#define PACKET_LOG_RECORDS 65536 /* of a ring; a power of 2 */
#define PACKET_LOG_NO_ROUTE UINT32_MAX
#define CAPTURE_BYTES (8u << 20)     /* of a ring of first bytes; a power of 2 */

enum logged_flag {
	LOGGED_ECN = 3,      /* as the frame arrived, if the queue's discipline looks at it */
	LOGGED_MARKED = 4,   /* the queue set CE */
	LOGGED_CORRUPT = 8,  /* the path flipped one of its bits */
	LOGGED_COPY = 16,    /* the path made it of the frame with the same number */
	LOGGED_CAPTURED = 32, /* its first bytes are in the ring of captures, as many as asked for or as it has */
};

/* Times are CLOCK_MONOTONIC; start, end and due of a frame that was not admitted (of one
 * that the path lost only due), and sent of one that was not, are 0. */
struct packet_record {
	uint64_t number;    /* of its arrival in this direction since the link was added, from 1 */
	int64_t arrival_ns; /* as the model saw it */
	int64_t moved_ns;   /* by how much that is later than when it arrived */
	int64_t start_ns;   /* of service */
	int64_t end_ns;
	int64_t due_ns;
	int64_t sent_ns;
	uint32_t route;  /* as in struct row; PACKET_LOG_NO_ROUTE if not admitted */
	uint16_t length; /* bytes of the Ethernet frame without FCS and overhead */
	uint8_t verdict; /* an enum logged_verdict */
	uint8_t flags;   /* of enum logged_flag */
	uint32_t flow;   /* the hash of its flow, if the queue's discipline looks at it */
	uint32_t bit;    /* which one the path flipped, of those behind the Ethernet header; 0 if none */
};

_Static_assert(sizeof(struct packet_record) == 72, "plctl.common.telemetry.packet_log reads records of this layout");

/* Counts since the link was added; each is written by one side, and lies apart from what the other writes. */
struct packet_ring {
	uint64_t written; /* by the worker */
	uint64_t lost;    /* that found the ring full */
	uint64_t apart_a[6];
	uint64_t read; /* by the agent */
	uint64_t apart_b[7];
	struct packet_record records[PACKET_LOG_RECORDS]; /* record n is at n % PACKET_LOG_RECORDS */
};

struct packet_log {
	struct packet_ring rings[2]; /* up, down */
};

/* The first bytes of frames; counts as in struct packet_ring, in bytes but for `lost`. */
struct capture_ring {
	uint64_t most; /* of one frame: by the reader, before the writer opens the log; 0: none are asked for */
	uint64_t written;
	uint64_t lost; /* frames whose bytes found no room */
	uint64_t apart_a[5];
	uint64_t read;
	uint64_t apart_b[7];
	uint8_t bytes[CAPTURE_BYTES]; /* byte n is at n % CAPTURE_BYTES */
};

/* What the file holds where bytes are asked for; else it ends behind `log`. */
struct capturing_log {
	struct packet_log log;
	struct capture_ring captures[2]; /* up, down */
};

/*
 * Maps the log in the file at `path`, which the reader made, of zeros but for `most`; *captures: both rings of first bytes,
 * or NULL where none are asked for. Returns 0 or an errno.
 */
int packet_log_open(const char *path, struct packet_log **log, struct capture_ring **captures);
void packet_log_close(struct packet_log *log, const struct capture_ring *captures); /* NULL is allowed */

/* The writer's. */
void packet_log_write(struct packet_ring *ring, const struct packet_record *record);

/*
 * Keeps the first of a frame's `length` bytes for the record that is to be written after `ahead` others. Returns
 * LOGGED_CAPTURED for that record, whose room is certain then; 0 if either has no room, which the ring of bytes counts.
 */
uint8_t capture_write(struct capture_ring *capture, const struct packet_ring *ring, unsigned ahead, const uint8_t *data,
	uint32_t length);

/* The reader's: takes up to `most` records out of the ring, in the order of writing, and returns how many. */
size_t packet_log_read(struct packet_ring *ring, struct packet_record *records, size_t most);
uint64_t packet_log_lost(const struct packet_ring *ring);

uint64_t capture_lost(const struct capture_ring *capture); /* records that are without their bytes, or lost with them */

/* How many bytes belong to records, as packet_log_read() took them. */
size_t capture_size(const struct capture_ring *capture, const struct packet_record *records, size_t count);

/* Takes the next `size` bytes out of the ring; false, and nothing, if it does not hold so many. */
bool capture_read(struct capture_ring *capture, uint8_t *bytes, size_t size);

#endif
