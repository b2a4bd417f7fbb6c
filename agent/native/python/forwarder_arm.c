/* How the links of several workers are armed, all or none: every worker reserves before any arms. */
#include <errno.h>
#include <stdlib.h>

#include "python/forwarder_object.h"

struct arming {
	struct slot *const *slots;
	struct link **links; /* scratch, as many */
	Py_ssize_t count;
	int64_t t0;
};

typedef int (*step)(struct worker *worker, struct link *const *links, size_t count, int64_t t0);

/* One order to the worker, with all of its links. */
static int order(const struct arming *arming, struct worker *worker, step step)
{
	size_t of_worker = 0;

	for (Py_ssize_t i = 0; i < arming->count; i++)
		if (arming->slots[i]->worker == worker)
			arming->links[of_worker++] = arming->slots[i]->link;
	return of_worker ? step(worker, arming->links, of_worker, arming->t0) : 0;
}

/* Without the GIL. */
static int arm_all(ForwarderObject *self, const struct arming *arming)
{
	Py_ssize_t reserved = 0;
	int error = 0;

	pthread_mutex_lock(&self->arming);
	while (reserved < self->worker_count && !(error = order(arming, self->workers[reserved], worker_reserve)))
		reserved++;
	while (reserved--)
		order(arming, self->workers[reserved], error ? worker_let_go : worker_arm);
	pthread_mutex_unlock(&self->arming);
	return error;
}

static PyObject *refuse(int error)
{
	switch (error) {
	case ETIME:
		return raise_os_error(error, "cannot start the links: T0 has passed");
	case EALREADY:
		return raise_os_error(error, "cannot start the links: one of them has started already");
	case EBUSY:
		return raise_os_error(error, "cannot start the links: one of them waits for its first frame");
	default:
		return raise_os_error(error, "cannot start the links: no memory is left");
	}
}

PyObject *forwarder_arm(PyObject *object, PyObject *args)
{
	ForwarderObject *self = (ForwarderObject *)object;
	struct slot **slots;
	struct link **links;
	PyObject *indices;
	Py_ssize_t count;
	long long t0;
	int error = -1;

	if (!PyArg_ParseTuple(args, "O!L:arm", &PyTuple_Type, &indices, &t0))
		return NULL;
	count = PyTuple_Size(indices);
	slots = calloc(count + 1, sizeof(*slots));
	links = calloc(count + 1, sizeof(*links));
	if (!slots || !links) {
		PyErr_NoMemory();
	} else if (!claim_links(self, indices, slots, count)) {
		Py_BEGIN_ALLOW_THREADS
		error = arm_all(self, &(struct arming){.slots = slots, .links = links, .count = count, .t0 = t0});
		Py_END_ALLOW_THREADS
		give_back(slots, count);
	}
	free(slots);
	free(links);
	if (error)
		return error < 0 ? NULL : refuse(error);
	Py_RETURN_NONE;
}
