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
static int note_links(ForwarderObject *self, struct slot *const *slots, struct link **links, Py_ssize_t count,
	struct note_terms terms)
{
	int error = 0;

	for (Py_ssize_t w = 0; w < self->worker_count && !error; w++) {
		size_t of_worker = 0;

		for (Py_ssize_t i = 0; i < count; i++)
			if (slots[i]->worker == self->workers[w])
				links[of_worker++] = slots[i]->link;
		if (of_worker)
			error = worker_note(self->workers[w], links, of_worker, terms);
	}
	return error;
}

PyObject *forwarder_note(PyObject *object, PyObject *args)
{
	ForwarderObject *self = (ForwarderObject *)object;
	long long t0, interval;
	struct slot **slots;
	struct link **links;
	PyObject *indices;
	Py_ssize_t count;
	int error = -1;

	if (!PyArg_ParseTuple(args, "O!LL:note", &PyTuple_Type, &indices, &t0, &interval))
		return NULL;
	if (interval < 1 || interval > TIME_NEVER / 4 || t0 > TIME_NEVER / 4)
		return PyErr_Format(PyExc_ValueError, "an interval is 1 ns or more, and neither it nor T0 for ever away");
	count = PyTuple_Size(indices);
	slots = calloc(count + 1, sizeof(*slots));
	links = calloc(count + 1, sizeof(*links));
	if (!slots || !links) {
		PyErr_NoMemory();
	} else if (!claim_links(self, indices, slots, count)) {
		Py_BEGIN_ALLOW_THREADS
		error = note_links(self, slots, links, count, (struct note_terms){.t0_ns = t0, .interval_ns = interval});
		Py_END_ALLOW_THREADS
		give_back(slots, count);
	}
	free(slots);
	free(links);
	if (error)
		return error < 0 ? NULL : raise_os_error(error, "cannot note what the links count: T0 has passed");
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
