/* The Python face of stats.h: how large the shared memory is, and what a slot of it says. */
#include <stdlib.h>

#include "python/forwarder_type.h"
#include "shared/stats.h"

#define SLOTS_MAX 65536

static PyObject *stats_size(PyObject *module, PyObject *value)
{
	long slots = PyLong_AsLong(value);

	(void)module;
	if (slots == -1 && PyErr_Occurred())
		return NULL;
	if (slots < 1 || slots > SLOTS_MAX)
		return PyErr_Format(PyExc_ValueError, "slots is %ld; legal is 1 to %d", slots, SLOTS_MAX);
	return PyLong_FromSize_t(slots * sizeof(struct link_stats));
}

/* {bucket: count} of all buckets that count something. */
static PyObject *sparse_buckets(const struct histogram *histogram)
{
	PyObject *buckets = PyDict_New();

	for (unsigned i = 0; buckets && i < HISTOGRAM_BUCKETS; i++) {
		uint64_t count = stats_load(&histogram->buckets[i]);
		PyObject *key, *value;

		if (!count)
			continue;
		key = PyLong_FromUnsignedLong(i);
		value = PyLong_FromUnsignedLongLong(count);
		if (!key || !value || PyDict_SetItem(buckets, key, value) < 0)
			Py_CLEAR(buckets);
		Py_XDECREF(key);
		Py_XDECREF(value);
	}
	return buckets;
}

static PyObject *histogram_to_python(const struct histogram *histogram)
{
	PyObject *buckets = sparse_buckets(histogram);

	if (!buckets)
		return NULL;
	return Py_BuildValue("(NKK)", buckets, (unsigned long long)stats_load(&histogram->min),
		(unsigned long long)stats_load(&histogram->max));
}

static PyObject *counters_to_python(const struct half_stats *stats)
{
	uint64_t counters[COUNTERS];
	PyObject *tuple;

	if (!stats_read_counters(stats, counters)) {
		PyErr_SetString(PyExc_OSError, "cannot read a link's counters: its forwarder stopped while it changed them");
		return NULL;
	}
	tuple = PyTuple_New(COUNTERS);
	for (int i = 0; tuple && i < COUNTERS; i++) {
		PyObject *value = PyLong_FromUnsignedLongLong(counters[i]);

		if (!value || PyTuple_SetItem(tuple, i, value) < 0)
			Py_CLEAR(tuple);
	}
	return tuple;
}

static PyObject *half_to_python(const struct half_stats *stats)
{
	PyObject *counters = counters_to_python(stats);
	PyObject *lateness = counters ? histogram_to_python(&stats->lateness) : NULL;
	PyObject *transit = lateness ? histogram_to_python(&stats->transit) : NULL;

	if (transit)
		return Py_BuildValue("(NNN)", counters, lateness, transit);
	Py_XDECREF(counters);
	Py_XDECREF(lateness);
	return NULL;
}

static PyObject *link_to_python(const struct link_stats *stats)
{
	PyObject *up = half_to_python(&stats->halves[0]);
	PyObject *down = up ? half_to_python(&stats->halves[1]) : NULL;

	if (!down) {
		Py_XDECREF(up);
		return NULL;
	}
	return Py_BuildValue("(LLNN)", (long long)stats_load((const uint64_t *)&stats->t0_ns),
		(long long)stats_load((const uint64_t *)&stats->started_ns), up, down);
}

static PyObject *read_stats(PyObject *module, PyObject *args)
{
	PyObject *result = NULL;
	Py_buffer buffer;
	Py_ssize_t slot;

	(void)module;
	if (!PyArg_ParseTuple(args, "y*n:read_stats", &buffer, &slot))
		return NULL;
	if (slot < 0 || slot >= buffer.len / (Py_ssize_t)sizeof(struct link_stats))
		PyErr_Format(PyExc_ValueError, "slot is %zd; the buffer has %zd", slot,
			buffer.len / (Py_ssize_t)sizeof(struct link_stats));
	else
		result = link_to_python((const struct link_stats *)buffer.buf + slot);
	PyBuffer_Release(&buffer);
	return result;
}

static PyMethodDef functions[] = {
	{"stats_size", stats_size, METH_O, NULL},
	{"read_stats", read_stats, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int stats_functions_add(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
