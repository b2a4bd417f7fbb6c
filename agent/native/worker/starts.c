/* See starts.h. */
#include "worker/starts.h"

#include <errno.h>
#include <stdlib.h>

#include "path/clock.h"

#define LEAD_NS 100000   /* how long before T0 to begin bringing memory in */
#define LEAD_EACH_NS 500 /* and so much longer for every link */
#define AWAKE_NS 2000000 /* how long before that nobody should sleep any more: a halted virtual CPU may be woken so late */
#define NEAR_NS 5000000  /* how long before that T0 is near: a thread of an ordinary priority may wake so late */

void starts_init(struct starts *starts)
{
	*starts = (struct starts){.next_ns = TIME_NEVER, .t0_ns = TIME_NEVER};
}

void starts_end(struct starts *starts)
{
	free(starts->links);
}

int starts_reserve(struct starts *starts, size_t count)
{
	struct link **links;

	if (count <= starts->room)
		return 0;
	links = realloc(starts->links, count * sizeof(*links));
	if (!links)
		return ENOMEM;
	starts->links = links;
	starts->room = count;
	return 0;
}

/* When to bring memory in for the earliest T0. */
static int64_t lead_ns(const struct starts *starts)
{
	return starts->t0_ns - LEAD_NS - LEAD_EACH_NS * (int64_t)starts->count;
}

static void set_next(struct starts *starts, int64_t t0)
{
	starts->t0_ns = t0;
	starts->near = starts->imminent = false;
	starts->next_ns = t0 == TIME_NEVER ? TIME_NEVER : lead_ns(starts) - AWAKE_NS - NEAR_NS;
}

static void find_next(struct starts *starts)
{
	int64_t t0 = TIME_NEVER;

	for (size_t i = 0; i < starts->count; i++)
		if (starts->links[i]->t0_ns < t0)
			t0 = starts->links[i]->t0_ns;
	set_next(starts, t0);
}

void starts_remove(struct starts *starts, const struct link *link)
{
	size_t i = 0;

	while (i < starts->count && starts->links[i] != link)
		i++;
	if (i == starts->count)
		return;
	starts->links[i] = starts->links[--starts->count];
	find_next(starts);
}

void starts_add(struct starts *starts, struct link *link)
{
	starts_remove(starts, link);
	starts->links[starts->count++] = link;
	set_next(starts, link->t0_ns < starts->t0_ns ? link->t0_ns : starts->t0_ns);
}

/* By reading, not by a hint, which a processor may drop where it has to look for the page. */
static void bring_in(const struct starts *starts)
{
	for (size_t i = 0; i < starts->count; i++)
		(void)__atomic_load_n(&starts->links[i]->stats->started_ns, __ATOMIC_RELAXED);
}

/* What is to be done before T0, and when to come back. */
static void get_ready(struct starts *starts, int64_t now)
{
	int64_t lead = lead_ns(starts);

	starts->near = true;
	starts->imminent = now >= lead - AWAKE_NS;
	if (now >= lead) {
		bring_in(starts);
		starts->next_ns = starts->t0_ns;
	} else {
		starts->next_ns = starts->imminent ? lead : lead - AWAKE_NS;
	}
}

static void start_all(struct starts *starts, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < starts->count; i++) {
		struct link *link = starts->links[i];

		if (link->t0_ns <= now)
			link_started(link, monotonic_ns());
		else
			starts->links[kept++] = link;
	}
	starts->count = kept;
	find_next(starts);
}

void starts_pass(struct starts *starts, int64_t now)
{
	if (now < starts->next_ns)
		return;
	if (now < starts->t0_ns)
		get_ready(starts, now);
	else
		start_all(starts, now);
}
