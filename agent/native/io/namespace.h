/* Doing something inside another network namespace. */
#ifndef PLCTL_NAMESPACE_H
#define PLCTL_NAMESPACE_H

/*
 * Calls act(argument) in a thread that lives in the network namespace at `path` (a thread's namespace is changed for
 * good, so it is one of its own). Returns what `act` returns, or the errno of not getting there.
 */
int namespace_run(const char *path, int (*act)(void *), void *argument);

#endif
