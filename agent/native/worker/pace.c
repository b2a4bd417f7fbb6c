/* See pace.h. */
#include "worker/pace.h"

#include "model/half.h"

#define MARGIN_FIRST_NS 100000
#define MARGIN_MIN_NS 5000
#define MARGIN_MAX_NS 250000
#define MARGIN_STEP_NS 1000
#define FLOOD_NS INT64_C(4000) /* frames that come faster than one in this time are a flood ... */
#define GATHER_NS 5000         /* ... of which those of this time are received and sent together */
#define UNREAD_LEAST_NS 100000 /* or a timer gains nothing */
#define UNREAD_MOST_NS 500000
#define BURST_NS 10000000 /* what can be saved up: the deadlines of a burst may follow each other closely */

void pace_init(struct pace *pace, enum spin spin, int64_t spin_share, int64_t now)
{
	*pace = (struct pace){.spin = spin, .margin_ns = MARGIN_FIRST_NS};
	allowance_init(&pace->spinning, spin_share, BURST_NS, now);
}

int64_t pace_wake_ns(struct pace *pace, int64_t next, int64_t slack_ns, int64_t now)
{
	int64_t margin;

	if (pace->spin != SPIN_BUSY && slack_ns)
		return next - smaller(pace->margin_ns, slack_ns);
	switch (pace->spin) {
	case SPIN_BUSY:
		return now;
	case SPIN_OFF:
		return next;
	case SPIN_ADAPTIVE:
		break;
	}
	if (next == TIME_NEVER)
		return TIME_NEVER;
	margin = allowance_left(&pace->spinning, now);
	if (margin > pace->margin_ns)
		margin = pace->margin_ns;
	return margin > 0 ? next - margin : next;
}

/* Towards the 15/16 quantile: a step up weighs as much as fifteen down. */
void pace_woke(struct pace *pace, int64_t late_ns)
{
	pace->margin_ns += late_ns > pace->margin_ns ? 15 * MARGIN_STEP_NS : -MARGIN_STEP_NS;
	if (pace->margin_ns < MARGIN_MIN_NS)
		pace->margin_ns = MARGIN_MIN_NS;
	if (pace->margin_ns > MARGIN_MAX_NS)
		pace->margin_ns = MARGIN_MAX_NS;
}

static bool may_spin(struct pace *pace, int64_t now)
{
	return pace->spin == SPIN_BUSY || (pace->spin == SPIN_ADAPTIVE && allowance_left(&pace->spinning, now) > 0);
}

void pace_received(struct pace *pace, unsigned frames, int64_t now)
{
	pace->dense = frames > 1 || now - pace->received_ns <= UNREAD_MOST_NS;
	if (frames * FLOOD_NS > now - pace->received_ns && may_spin(pace, now))
		pace->gather_ns = now + GATHER_NS;
	pace->received_ns = now;
}

int64_t pace_unread_ns(const struct pace *pace, int64_t may_ns, int64_t now)
{
	if (!pace->dense || now - pace->received_ns > UNREAD_MOST_NS || may_ns < UNREAD_LEAST_NS)
		return 0;
	return smaller(may_ns, UNREAD_MOST_NS);
}

void pace_spun(struct pace *pace, int64_t ns)
{
	if (pace->spin == SPIN_ADAPTIVE)
		allowance_spend(&pace->spinning, ns);
}
