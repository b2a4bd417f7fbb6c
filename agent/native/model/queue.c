/* Knows the queueing disciplines by name. */
#include "model/queue.h"

#include <string.h>

static const struct discipline *const known[] = {&drophead};

bool discipline_find(const char *name, const struct discipline **discipline)
{
	*discipline = NULL;
	if (!strcmp(name, "droptail"))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i]->name))
			*discipline = known[i];
	return *discipline;
}
