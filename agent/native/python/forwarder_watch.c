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
	struct overdue *overdue;
	struct slot **slots;
	Py_ssize_t count;
	long long at;

	if (!PyArg_ParseTuple(args, "O!L:settle", &PyTuple_Type, &indices, &at))
		return NULL;
	if (at > monotonic_ns())
		return PyErr_Format(PyExc_ValueError, "settle is for a time that has passed");
	count = PyTuple_Size(indices);
	slots = calloc(count + 1, sizeof(*slots));
	overdue = calloc(count + 1, sizeof(*overdue));
	if (!slots || !overdue) {
		PyErr_NoMemory();
	} else if (!claim_links(self, indices, slots, count)) {
		Py_BEGIN_ALLOW_THREADS
		for (Py_ssize_t i = 0; i < count; i++)
			worker_settle(slots[i]->worker, slots[i]->link, at, &overdue[i]);
		Py_END_ALLOW_THREADS
		give_back(slots, count);
		list = overdue_to_python(overdue, count);
	}
	free(slots);
	free(overdue);
	return list;
}
