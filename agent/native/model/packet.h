/* A frame on its way through one direction of a link, as the model sees it. */
#ifndef PLCTL_PACKET_H
#define PLCTL_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* What became of a frame in the model. The values are recorded in packet logs: never renumber. */
enum verdict {
	VERDICT_ADMITTED = 0,
	VERDICT_QUEUE_FULL = 1,
	VERDICT_AQM = 2, /* so that the queue stays short */
	VERDICT_RANDOM_LOSS = 16,
};

/* The ECN field of an IP header (RFC 3168, section 5). */
enum ecn { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3 };

/*
 * The caller owns the memory, hands it over with half_arrive() and gets it back from half_pop(), or from half_dropped() if
 * it was dropped after it had been admitted. The caller sets `length`: what is served and queued, frame bytes plus the
 * link's overhead; >= 1; and, where half_reads_headers() says so, `ecn` and `flow`.
 */
struct packet {
	struct packet *next;
	struct packet *previous; /* on its route, where frames of a route may overtake each other */
	int64_t arrival; /* as the model saw it: max(kernel timestamp, virtual now) */
	int64_t start;   /* service */
	int64_t end;     /* of service; of a frame that was dropped: when */
	int64_t due;
	uint32_t length;
	uint32_t route;  /* while it waits or is served: the queue_id in force when it arrived */
	uint64_t serial; /* while it waits: its number among arrivals; then the order of service, which breaks ties of due across routes */
	uint32_t flow;   /* a hash of its flow; frames of no flow share 0 */
	uint8_t ecn;     /* an enum ecn, as it arrived */
	bool marked;     /* the queue set CE: whoever sends the frame writes it into the header */
	uint8_t verdict; /* an enum verdict */
	bool corrupt;    /* one bit behind the Ethernet header is to be flipped: the one at corruption / 2^32 of the way */
	bool copy;       /* made by the path, of a frame that arrived */
	uint32_t corruption;
};

#endif
