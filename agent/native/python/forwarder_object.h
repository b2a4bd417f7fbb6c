/* What the files that implement the Python type Forwarder share. */
#ifndef PLCTL_FORWARDER_OBJECT_H
#define PLCTL_FORWARDER_OBJECT_H

#include <pthread.h>

#include "python/forwarder_type.h"

struct slot {
	struct link *link;
	struct worker *worker;
	Py_ssize_t number; /* of the worker */
	bool busy;         /* a thread does something with it, without the GIL */
};

typedef struct {
	PyObject_HEAD
	struct shared_stats *stats;
	struct slot *slots;
	struct worker **workers;
	struct budget budget;
	pthread_mutex_t arming; /* one thread at a time, without the GIL: a worker holds one reservation */
	Py_ssize_t slot_count;
	Py_ssize_t worker_count;
	Py_ssize_t next_worker;
	Py_ssize_t calls; /* that speak to workers without the GIL, and have no slot */
} ForwarderObject;

PyObject *raise_os_error(int error, const char *why); /* an OSError with that sentence; returns NULL */

/* The slot, which has a link and is now busy until its `busy` is cleared, or NULL with a Python exception set. */
struct slot *claim_link(ForwarderObject *self, Py_ssize_t index);

/* The links that a call is about. */
struct claimed {
	struct slot **slots; /* each busy */
	struct link **links; /* room for as many */
	Py_ssize_t count;
};

/*
 * Claims every slot that the tuple of Python integers names; or none, and returns -1 with a Python exception set. What it
 * has claimed is to be given back with claimed_end(), with the GIL.
 */
int claimed_begin(struct claimed *claimed, ForwarderObject *self, PyObject *indices);
void claimed_end(struct claimed *claimed);

/* Those of them that the worker has: how many, the first of `links`. */
size_t claimed_of(const struct claimed *claimed, const struct worker *worker);

/* Methods of forwarder_arm.c. */
PyObject *forwarder_arm(PyObject *object, PyObject *args);
PyObject *forwarder_change(PyObject *object, PyObject *args);

/* Methods of forwarder_watch.c. */
PyObject *forwarder_watch(PyObject *object, PyObject *args);
PyObject *forwarder_note(PyObject *object, PyObject *args);
PyObject *forwarder_settle(PyObject *object, PyObject *args);

#endif
