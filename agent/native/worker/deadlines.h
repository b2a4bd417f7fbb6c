/* Lanes by deadline: a binary heap that knows where each lane is, so that a deadline can change. */
#ifndef PLCTL_DEADLINES_H
#define PLCTL_DEADLINES_H

#include "path/lane.h"

struct deadlines {
	struct lane **heap;
	size_t count;
	size_t room;
};

int deadlines_add(struct deadlines *deadlines, struct lane *lane); /* 0 or ENOMEM */
void deadlines_update(struct deadlines *deadlines, struct lane *lane); /* its deadline_ns has changed */
void deadlines_remove(struct deadlines *deadlines, struct lane *lane);
struct lane *deadlines_first(const struct deadlines *deadlines); /* NULL: there are no lanes */

#endif
