/*
 * What happens to links all at once or not at all: those of several workers are armed, every worker reserving before any
 * arms; and both halves of a link change.
 */
#include <errno.h>
#include <stdlib.h>

#include "python/forwarder_object.h"
#include "python/rows.h"

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

/* Live change: what that needs is made here, and ended here, without the worker. */

struct changing {
	struct half_config configs[2];
	struct half_change *changes[2];
};

/* The halves' new configurations; whether they could be read. changing_end() is due either way. */
static bool changing_begin(struct changing *changing, PyObject *const halves[2])
{
	for (int i = 0; i < 2; i++)
		if (half_config_from_python(halves[i], &changing->configs[i])) {
			changing->configs[i] = (struct half_config){0};
			return false;
		}
	for (int i = 0; i < 2; i++)
		if (!(changing->changes[i] = half_change_new(&changing->configs[i]))) {
			PyErr_SetFromErrno(PyExc_OSError);
			return false;
		}
	return true;
}

static void changing_end(struct changing *changing)
{
	for (int i = 0; i < 2; i++) {
		half_change_free(changing->changes[i]);
		half_config_end(&changing->configs[i]);
	}
}

static PyObject *answer(int error)
{
	switch (error) {
	case 0:
		Py_RETURN_TRUE;
	case ETIME:
		Py_RETURN_FALSE;
	case EAGAIN:
		return raise_os_error(error, "cannot change the link: its scenario has not started");
	default:
		return raise_os_error(error, "cannot change the link: what it is to go over to is of another kind");
	}
}

PyObject *forwarder_change(PyObject *object, PyObject *args)
{
	struct changing changing = {0};
	PyObject *halves[2], *result = NULL;
	struct slot *slot;
	Py_ssize_t index;
	long long at;
	int error;

	if (!PyArg_ParseTuple(args, "nO!O!L:change", &index, &PyDict_Type, &halves[0], &PyDict_Type, &halves[1], &at))
		return NULL;
	if (changing_begin(&changing, halves) && (slot = claim_link((ForwarderObject *)object, index))) {
		Py_BEGIN_ALLOW_THREADS
		error = worker_change(slot->worker, slot->link, changing.changes, at);
		Py_END_ALLOW_THREADS
		slot->busy = false;
		result = answer(error);
	}
	changing_end(&changing);
	return result;
}
