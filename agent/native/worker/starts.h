/*
 * The links of a worker that are armed for a T0 still to come. Their halves know T0 already; what is left to do then is to
 * say that it was noticed, which is done for all of them in one pass, before anything else that is due.
 */
#ifndef PLCTL_STARTS_H
#define PLCTL_STARTS_H

#include <stdbool.h>

#include "path/lane.h"

struct starts {
	struct link **links;
	size_t count;
	size_t room;
	int64_t next_ns; /* when to call starts_pass(): a little before the earliest T0; TIME_NEVER: there is none */
	int64_t t0_ns;   /* the earliest */
	bool near;       /* that is so soon that nobody else should take the CPU any more */
	bool imminent;   /* and so soon that the worker should not sleep any more */
};

void starts_init(struct starts *starts);
void starts_end(struct starts *starts);
int starts_reserve(struct starts *starts, size_t count); /* room for so many links in all; 0 or ENOMEM */

void starts_add(struct starts *starts, struct link *link); /* which has been armed, perhaps again; room is reserved */
void starts_remove(struct starts *starts, const struct link *link); /* if it is there */

/*
 * Marks those whose T0 is `now` or earlier as started, each at the time when its turn came. Called somewhat before, it
 * says that T0 is near, then that it is imminent, and then brings what it will write to into the caches, where a link that
 * has been idle is not: a miss costs as much as the rest.
 */
void starts_pass(struct starts *starts, int64_t now);

#endif
