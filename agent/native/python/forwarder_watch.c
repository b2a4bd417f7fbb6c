/* What the agent asks of a forwarder beside forwarding: to watch its workers, and what is overdue in the end. */
#include <stdlib.h>

#include "path/clock.h"
#include "python/forwarder_object.h"

PyObject *forwarder_watch(PyObject *object, PyObject *args)
{
	ForwarderObject *self = (ForwarderObject *)object;
	long long gap_ns;

	if (!PyArg_ParseTuple(args, "L:watch", &gap_ns))
		return NULL;
	self->calls++;
	Py_BEGIN_ALLOW_THREADS
	for (Py_ssize_t i = 0; i < self->worker_count; i++)
		worker_watch(self->workers[i], gap_ns);
	Py_END_ALLOW_THREADS
	self->calls--;
	Py_RETURN_NONE;
}

/* One order to each worker, with all of its links. Without the GIL. */
static int note_links(ForwarderObject *self, const struct claimed *claimed, struct note_terms terms)
{
	int error = 0;

	for (Py_ssize_t w = 0; w < self->worker_count && !error; w++) {
		size_t of_worker = claimed_of(claimed, self->workers[w]);

		if (of_worker)
			error = worker_note(self->workers[w], claimed->links, of_worker, terms);
	}
	return error;
}

PyObject *forwarder_note(PyObject *object, PyObject *args)
{
	ForwarderObject *self = (ForwarderObject *)object;
	long long t0, interval;
	struct claimed claimed;
	PyObject *indices;
	int error;

	if (!PyArg_ParseTuple(args, "O!LL:note", &PyTuple_Type, &indices, &t0, &interval))
		return NULL;
	if (interval < 1 || interval > TIME_NEVER / 4 || t0 > TIME_NEVER / 4)
		return PyErr_Format(PyExc_ValueError, "an interval is 1 ns or more, and neither it nor T0 for ever away");
	if (claimed_begin(&claimed, self, indices))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = note_links(self, &claimed, (struct note_terms){.t0_ns = t0, .interval_ns = interval});
	Py_END_ALLOW_THREADS
	claimed_end(&claimed);
	if (error)
		return raise_os_error(error, "cannot note what the links count: T0 has passed");
	Py_RETURN_NONE;
}

static PyObject *overdue_to_python(const struct overdue *overdue, Py_ssize_t count)
{
	PyObject *list = PyList_New(count);

	for (Py_ssize_t i = 0; list && i < count; i++) {
		PyObject *item = Py_BuildValue("(LL)", (long long)overdue[i].packets, (long long)overdue[i].oldest_ns);

		if (!item || PyList_SetItem(list, i, item))
			Py_CLEAR(list);
	}
	return list;
}

PyObject *forwarder_settle(PyObject *object, PyObject *args)
{
	ForwarderObject *self = (ForwarderObject *)object;
	PyObject *indices, *list = NULL;
	struct claimed claimed;
	struct overdue *overdue;
	long long at;

	if (!PyArg_ParseTuple(args, "O!L:settle", &PyTuple_Type, &indices, &at))
		return NULL;
	if (at > monotonic_ns())
		return PyErr_Format(PyExc_ValueError, "settle is for a time that has passed");
	if (claimed_begin(&claimed, self, indices))
		return NULL;
	overdue = calloc(claimed.count + 1, sizeof(*overdue));
	if (overdue) {
		Py_BEGIN_ALLOW_THREADS
		for (Py_ssize_t i = 0; i < claimed.count; i++)
			worker_settle(claimed.slots[i]->worker, claimed.slots[i]->link, at, &overdue[i]);
		Py_END_ALLOW_THREADS
		list = overdue_to_python(overdue, claimed.count);
	} else {
		PyErr_NoMemory();
	}
	claimed_end(&claimed);
	free(overdue);
	return list;
}
