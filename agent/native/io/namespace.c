/* See namespace.h. */
#include "io/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

struct visit {
	const char *path;
	int (*act)(void *);
	void *argument;
	int result;
};

static void *go(void *argument)
{
	struct visit *visit = argument;
	int namespace = open(visit->path, O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		visit->result = errno;
	else
		visit->result = visit->act(visit->argument);
	if (namespace >= 0)
		close(namespace);
	return NULL;
}

int namespace_run(const char *path, int (*act)(void *), void *argument)
{
	struct visit visit = {.path = path, .act = act, .argument = argument};
	pthread_t thread;
	int error = pthread_create(&thread, NULL, go, &visit);

	if (error)
		return error;
	pthread_join(thread, NULL);
	return visit.result;
}
