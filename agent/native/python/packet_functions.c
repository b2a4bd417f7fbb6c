/*
 * What the packet path decides from numbers alone, as Python functions: so that it can be tested without packets. And the
 * Python face of tc_programs.h.
 */
#include <errno.h>
#include <string.h>

#include "python/forwarder_type.h"
#include "io/pool.h"
#include "io/port.h"
#include "io/tc_programs.h"
#include "shared/stats.h"
#include "path/wall.h"

int trigger_from_name(const char *name, enum trigger *trigger)
{
	if (!strcmp(name, "first-packet"))
		*trigger = TRIGGER_PACKET;
	else if (!strcmp(name, "first-transport-packet"))
		*trigger = TRIGGER_TRANSPORT;
	else if (!strcmp(name, "first-large-transport-packet"))
		*trigger = TRIGGER_LARGE_TRANSPORT;
	else {
		PyErr_Format(PyExc_ValueError, "'%s' does not name a frame; legal is first-packet, first-transport-packet "
			"or first-large-transport-packet", name);
		return -1;
	}
	return 0;
}

static PyObject *matches(PyObject *module, PyObject *args)
{
	unsigned long mtu;
	enum trigger trigger;
	const char *name;
	Py_buffer frame;
	bool result;

	(void)module;
	if (!PyArg_ParseTuple(args, "sy*k:trigger_matches", &name, &frame, &mtu))
		return NULL;
	if (trigger_from_name(name, &trigger)) {
		PyBuffer_Release(&frame);
		return NULL;
	}
	result = trigger_matches(trigger, frame.buf, frame.len, mtu);
	PyBuffer_Release(&frame);
	return PyBool_FromLong(result);
}

/* Learns from each reading of the sequence; the first is all that is known before. */
static int learn(struct wall *wall, PyObject *readings)
{
	for (Py_ssize_t i = 0; i < PyTuple_Size(readings); i++) {
		long long before, between, after;

		if (!PyArg_ParseTuple(PyTuple_GetItem(readings, i), "LLL", &before, &between, &after))
			return -1;
		if (i == 0)
			*wall = (struct wall){.low = between - after, .high = between - before, .read_ns = before};
		else
			wall_learn(wall, before, between, after);
	}
	return 0;
}

static PyObject *arrival(PyObject *module, PyObject *args)
{
	long long stamp, earliest, latest;
	struct wall wall = {0};
	struct wall_time time;
	PyObject *readings;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!LLL:wall_arrival", &PyTuple_Type, &readings, &stamp, &earliest, &latest) ||
	    learn(&wall, readings))
		return NULL;
	time = wall_arrival(&wall, stamp, earliest, latest);
	return Py_BuildValue("LL", (long long)time.at_ns, (long long)time.doubt_ns);
}

static PyObject *bucket(PyObject *module, PyObject *value)
{
	unsigned long long ns = PyLong_AsUnsignedLongLong(value);

	(void)module;
	if (ns == (unsigned long long)-1 && PyErr_Occurred())
		return NULL;
	return PyLong_FromUnsignedLong(histogram_bucket(ns));
}

static PyObject *slot(PyObject *module, PyObject *value)
{
	unsigned long length = PyLong_AsUnsignedLong(value);

	(void)module;
	if (length == (unsigned long)-1 && PyErr_Occurred())
		return NULL;
	if (length > FRAME_MAX) {
		PyErr_Format(PyExc_ValueError, "no slot holds a frame of %lu bytes", length);
		return NULL;
	}
	return PyLong_FromUnsignedLong(pool_slot_bytes(length));
}

static PyObject *tc_programs(PyObject *module, PyObject *value)
{
	long index = PyLong_AsLong(value);
	unsigned ingress, egress;
	int error;

	(void)module;
	if (index == -1 && PyErr_Occurred())
		return NULL;
	error = tc_programs_count(index, TC_INGRESS, &ingress);
	if (!error)
		error = tc_programs_count(index, TC_EGRESS, &egress);
	if (error) {
		errno = error;
		return PyErr_SetFromErrno(PyExc_OSError);
	}
	return Py_BuildValue("II", ingress, egress);
}

static PyMethodDef functions[] = {
	{"trigger_matches", matches, METH_VARARGS, NULL},
	{"wall_arrival", arrival, METH_VARARGS, NULL},
	{"histogram_bucket", bucket, METH_O, NULL},
	{"slot_bytes", slot, METH_O, NULL},
	{"tc_programs", tc_programs, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

int packet_functions_add(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
