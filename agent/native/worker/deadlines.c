/* See deadlines.h. */
#include "worker/deadlines.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct deadlines *deadlines, size_t i, struct lane *lane)
{
	deadlines->heap[i] = lane;
	lane->heap_index = i;
}

static void sift_up(struct deadlines *deadlines, struct lane *lane)
{
	size_t i = lane->heap_index;

	for (; i > 0 && lane->deadline_ns < deadlines->heap[(i - 1) / 2]->deadline_ns; i = (i - 1) / 2)
		place(deadlines, i, deadlines->heap[(i - 1) / 2]);
	place(deadlines, i, lane);
}

static void sift_down(struct deadlines *deadlines, struct lane *lane)
{
	struct lane **heap = deadlines->heap;
	size_t i = lane->heap_index;

	for (size_t child; (child = 2 * i + 1) < deadlines->count; i = child) {
		if (child + 1 < deadlines->count && heap[child + 1]->deadline_ns < heap[child]->deadline_ns)
			child++;
		if (lane->deadline_ns <= heap[child]->deadline_ns)
			break;
		place(deadlines, i, heap[child]);
	}
	place(deadlines, i, lane);
}

int deadlines_add(struct deadlines *deadlines, struct lane *lane)
{
	if (deadlines->count == deadlines->room) {
		size_t room = deadlines->room ? 2 * deadlines->room : 16;
		struct lane **heap = realloc(deadlines->heap, room * sizeof(*heap));

		if (!heap)
			return ENOMEM;
		deadlines->heap = heap;
		deadlines->room = room;
	}
	place(deadlines, deadlines->count++, lane);
	sift_up(deadlines, lane);
	return 0;
}

void deadlines_update(struct deadlines *deadlines, struct lane *lane)
{
	sift_up(deadlines, lane);
	sift_down(deadlines, lane);
}

void deadlines_remove(struct deadlines *deadlines, struct lane *lane)
{
	struct lane *last = deadlines->heap[--deadlines->count];

	if (last == lane)
		return;
	place(deadlines, lane->heap_index, last);
	deadlines_update(deadlines, last);
}

struct lane *deadlines_first(const struct deadlines *deadlines)
{
	return deadlines->count ? deadlines->heap[0] : NULL;
}
