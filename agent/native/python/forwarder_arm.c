/*
 * What happens to links all at once or not at all: those of several workers are armed, every worker reserving before any
 * arms; and both halves of a link change.
 */
#include <errno.h>
#include <stdlib.h>

#include "python/forwarder_object.h"
#include "python/rows.h"

static void give_back(struct slot *const *slots, Py_ssize_t count)
{
	while (count--)
		slots[count]->busy = false;
}

static int claim_all(ForwarderObject *self, PyObject *indices, struct slot **slots, Py_ssize_t count)
{
	for (Py_ssize_t i = 0; i < count; i++) {
		Py_ssize_t index = PyLong_AsSsize_t(PyTuple_GetItem(indices, i));

		slots[i] = index == -1 && PyErr_Occurred() ? NULL : claim_link(self, index);
		if (!slots[i]) {
			give_back(slots, i);
			return -1;
		}
	}
	return 0;
}

int claimed_begin(struct claimed *claimed, ForwarderObject *self, PyObject *indices)
{
	Py_ssize_t count = PyTuple_Size(indices);

	claimed->count = 0; /* as long as none is */
	claimed->slots = calloc(count + 1, sizeof(*claimed->slots));
	claimed->links = calloc(count + 1, sizeof(*claimed->links));
	if (!claimed->slots || !claimed->links)
		PyErr_NoMemory();
	else if (!claim_all(self, indices, claimed->slots, count))
		claimed->count = count;
	if (!PyErr_Occurred())
		return 0;
	claimed_end(claimed);
	return -1;
}

void claimed_end(struct claimed *claimed)
{
	give_back(claimed->slots, claimed->count);
	free(claimed->slots);
	free(claimed->links);
}

size_t claimed_of(const struct claimed *claimed, const struct worker *worker)
{
	size_t count = 0;

	for (Py_ssize_t i = 0; i < claimed->count; i++)
		if (claimed->slots[i]->worker == worker)
			claimed->links[count++] = claimed->slots[i]->link;
	return count;
}

typedef int (*step)(struct worker *worker, struct link *const *links, size_t count, int64_t t0);

/* One order to the worker, with all of its links. */
static int order(const struct claimed *claimed, struct worker *worker, step step, int64_t t0)
{
	size_t of_worker = claimed_of(claimed, worker);

	return of_worker ? step(worker, claimed->links, of_worker, t0) : 0;
}

/* Without the GIL. */
static int arm_all(ForwarderObject *self, const struct claimed *claimed, int64_t t0)
{
	Py_ssize_t reserved = 0;
	int error = 0;

	pthread_mutex_lock(&self->arming);
	while (reserved < self->worker_count && !(error = order(claimed, self->workers[reserved], worker_reserve, t0)))
		reserved++;
	while (reserved--)
		order(claimed, self->workers[reserved], error ? worker_let_go : worker_arm, t0);
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
	struct claimed claimed;
	PyObject *indices;
	long long t0;
	int error;

	if (!PyArg_ParseTuple(args, "O!L:arm", &PyTuple_Type, &indices, &t0) || claimed_begin(&claimed, self, indices))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = arm_all(self, &claimed, t0);
	Py_END_ALLOW_THREADS
	claimed_end(&claimed);
	if (error)
		return refuse(error);
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
