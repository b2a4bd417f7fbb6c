/*
 * A link as its worker sees it: two lanes, each from the port where frames come in, through a half of the model, to the
 * port where they leave. A lane does what is due when it is told the time; when to tell it is the worker's business.
 */
#ifndef PLCTL_LANE_H
#define PLCTL_LANE_H

#include <stdbool.h>

#include "model/half.h"
#include "shared/packet_log.h"
#include "io/pool.h"
#include "io/port.h"
#include "shared/stats.h"
#include "path/gathering.h"
#include "path/grid.h"
#include "path/trigger.h"
#include "path/wall.h"

struct link;

struct lane {
	struct link *link;
	struct half *half;
	struct port *in;
	struct port *out;
	struct half_stats *stats;
	struct packet_ring *log; /* NULL: not asked for */
	struct capture_ring *capture; /* NULL: the log is without first bytes */
	bool reads_headers;      /* the half's queue needs them ... */
	uint64_t key;            /* ... and this for the hash of a flow */
	uint64_t counters[COUNTERS]; /* the worker's own; stats_publish() shows them */
	struct gathering gathering;  /* what is due and waits for the next call of send; empty between calls but for `coalesce_ns` */
	struct grid grid;
	int64_t ring_ns;             /* a flood needs so long to fill a quarter of the ring of `in` */
	int64_t known_ns;            /* all that arrived until then has been read: virtual time goes no further */
	bool unread;                 /* `in` may hold frames: the lane's turn comes again in the next pass */
	int64_t refresh_ns;          /* when to look again at what changes without frames; TIME_NEVER while idle */
	uint64_t refreshed_arrivals; /* as of the last refresh */
	struct lane *next_readable;  /* from here on to frames_ns: what readiness.h knows of the lane */
	bool readable;               /* in its list */
	bool heard;                  /* epoll does not tell of `in` */
	unsigned passes;             /* in a row that had frames ... */
	unsigned sleeps;             /* ... since this sleep */
	int64_t frames_ns;           /* when there last were any */
	int64_t deadline_ns; /* in the worker's heap */
	int64_t slack_ns;    /* so much before it the lane may be delivered, too */
	size_t heap_index;
};

struct link {
	struct lane lanes[2]; /* up, down */
	struct pool *pool;
	struct link_stats *stats;
	struct packet_log *log; /* NULL: not asked for */
	struct capture_ring *captures; /* NULL: the log is without first bytes; else both */
	uint32_t mtu;
	uint32_t overhead;    /* bytes added to every frame for service and queue */
	struct patience patience; /* of segments that wait for those behind them */
	enum trigger trigger; /* what the first frame must be, while the link waits for it */
	int64_t t0_ns;        /* TIME_NEVER until armed */
	int64_t started_ns;   /* 0 until then */
};

void lane_set_half(struct lane *lane, struct half *half); /* before any frame arrives */

static inline struct lane *lane_other(const struct lane *lane) /* of the same link */
{
	return &lane->link->lanes[lane == &lane->link->lanes[0]];
}

/*
 * Reads up to a batch of frames from each of the lane's ports into the model, in the order of arrival; `now` is the clock
 * before. As long as the link waits for its first frame, which starts both lanes, those of the other lane, too. Returns how
 * many, a super-frame being one. Afterwards `unread` says whether there may be more; if not, the port will report as readable when there are.
 */
unsigned lane_receive(struct lane *lane, int64_t now, struct wall *wall);

/*
 * Sends what is due at `now`, at most a batch, publishes what changed, and sets deadline_ns: when to be called again (or
 * slack_ns before), and lane_receive() before, if that is later than known_ns. While frames are unread virtual time stays behind at known_ns, so
 * that it passes no arrival, and what they would overtake is not due.
 */
void lane_deliver(struct lane *lane, int64_t now);

/*
 * From T0 on, which is still to come, notes what was counted (grid.h); lane_deliver() is to be called soon, for the deadline
 * may be earlier then.
 */
void lane_note(struct lane *lane, const struct grid_terms *terms);

/* Brings the lane to `at`, until which all has been read, and adds to what is overdue then (half_overdue()). */
void lane_settle(struct lane *lane, int64_t at, int64_t *overdue, int64_t *oldest);

/* 0, or why a link cannot be armed for t0: it has started (EALREADY), waits for a frame (EBUSY), or t0 is past (ETIME). */
int link_can_arm(const struct link *link, int64_t t0, int64_t now);

/* Scenario time of both halves starts at t0, or at the model's own time if that is already later. */
void link_arm(struct link *link, int64_t t0);
void link_hold(struct link *link); /* until link_arm() it does not start, though t0_ns still says when it was to */
void link_started(struct link *link, int64_t now); /* `now` is when T0 was noticed */

/* What a link is made from. */
struct link_config {
	struct ports_config ports; /* towards the client, towards the server; link_open() adds the pool */
	struct half_config halves[2];
	uint32_t overhead;
	int64_t coalesce_ns;      /* for PORT_IO_SUPER */
	const char *packet_log;   /* path of the file for the packet log (packet_log.h), or empty */
	struct link_stats *stats; /* reset by link_open(); borrowed for the link's life */
};

/*
 * A link whose ports receive, but which no worker serves yet. On failure returns an errno and says in a sentence, in how[0 ... PORT_WHY_SIZE), what was refused by whom; on success, as
 * ports_open(), what carries the frames.
 */
int link_open(const struct link_config *config, struct link **link, char *how);
void link_close(struct link *link); /* with every frame inside */

#endif
