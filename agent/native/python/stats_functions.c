/* The Python face of stats.h: how large the shared memory is, and what a slot of it says. */
#include <stdlib.h>

#include "python/forwarder_type.h"
#include "shared/stats.h"

static const char *const counter_names[] = {COUNTER_NAMES};

static PyObject *stats_size(PyObject *module, PyObject *value)
{
	long slots = PyLong_AsLong(value);

	(void)module;
	if (slots == -1 && PyErr_Occurred())
		return NULL;
	if (slots < 1 || slots > SLOTS_MAX)
		return PyErr_Format(PyExc_ValueError, "slots is %ld; legal is 1 to %d", slots, SLOTS_MAX);
	return PyLong_FromSize_t(stats_bytes(slots));
}

int buffer_refuse_unaligned(const Py_buffer *buffer)
{
	if ((uintptr_t)buffer->buf % sizeof(uint64_t) == 0)
		return 0;
	PyErr_SetString(PyExc_ValueError, "the buffer does not begin at a multiple of 8 bytes, as shared memory does");
	return -1;
}

/* {bucket: count} of all buckets that count something. */
static PyObject *sparse_buckets(const uint64_t counts[HISTOGRAM_BUCKETS])
{
	PyObject *buckets = PyDict_New();

	for (unsigned i = 0; buckets && i < HISTOGRAM_BUCKETS; i++) {
		uint64_t count = stats_load(&counts[i]);
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
	PyObject *buckets = sparse_buckets(histogram->buckets);

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

/* What `read` makes of the link that `args` name by the words of `call`: a buffer and an index. */
static PyObject *of_link(PyObject *args, const char *call, PyObject *(*read)(const struct link_stats *))
{
	PyObject *result = NULL;
	Py_ssize_t slot, slots;
	Py_buffer buffer;

	if (!PyArg_ParseTuple(args, call, &buffer, &slot))
		return NULL;
	slots = buffer.len < (Py_ssize_t)stats_bytes(0) ? 0 : (buffer.len - stats_bytes(0)) / sizeof(struct link_stats);
	if (buffer_refuse_unaligned(&buffer))
		; /* the exception is set */
	else if (slot < 0 || slot >= slots)
		PyErr_Format(PyExc_ValueError, "slot is %zd; the buffer has %zd", slot, slots);
	else
		result = read(&((const struct shared_stats *)buffer.buf)->links[slot]);
	PyBuffer_Release(&buffer);
	return result;
}

static PyObject *read_stats(PyObject *module, PyObject *args)
{
	(void)module;
	return of_link(args, "y*n:read_stats", link_to_python);
}

static PyObject *start_to_python(const struct link_stats *stats)
{
	return Py_BuildValue("(LL)", (long long)stats_load((const uint64_t *)&stats->t0_ns),
		(long long)stats_load((const uint64_t *)&stats->started_ns));
}

/* When a link's scenario is to start, and did; 0: not known. */
static PyObject *read_start(PyObject *module, PyObject *args)
{
	(void)module;
	return of_link(args, "y*n:read_start", start_to_python);
}

static PyObject *noted_to_python(const struct link_stats *stats)
{
	PyObject *result = PyTuple_New(4);

	for (int i = 0; result && i < 4; i++) {
		const struct half_stats *half = &stats->halves[i / 2];
		const uint64_t *counts = i % 2 ? half->transit_noted : half->lateness_noted;
		PyObject *buckets = stats_load(&half->noted) ? sparse_buckets(counts) : PyDict_New();

		if (!buckets || PyTuple_SetItem(result, i, buckets))
			Py_CLEAR(result);
	}
	return result;
}

/* What the histograms of both halves had counted at the last snapshots. */
static PyObject *read_noted(PyObject *module, PyObject *args)
{
	(void)module;
	return of_link(args, "y*n:read_noted", noted_to_python);
}

static PyObject *worker_number(const struct link_stats *stats)
{
	return PyLong_FromUnsignedLongLong(stats_load(&stats->worker));
}

static PyObject *worker_of(PyObject *module, PyObject *args)
{
	(void)module;
	return of_link(args, "y*n:worker_of", worker_number);
}

/* A tuple of numbers. */
static PyObject *numbers_to_python(const int64_t *numbers, int count)
{
	PyObject *tuple = PyTuple_New(count);

	for (int i = 0; tuple && i < count; i++) {
		PyObject *value = PyLong_FromLongLong(numbers[i]);

		if (!value || PyTuple_SetItem(tuple, i, value) < 0)
			Py_CLEAR(tuple);
	}
	return tuple;
}

static int append_snapshot(PyObject *list, Py_ssize_t half, const struct snapshot *snapshot)
{
	PyObject *counters = numbers_to_python((const int64_t *)snapshot->counters, COUNTERS);
	PyObject *figures = counters ? numbers_to_python(snapshot->figures, FIGURES) : NULL;
	PyObject *item;
	int status;

	if (!figures) {
		Py_XDECREF(counters);
		return -1;
	}
	item = Py_BuildValue("(nLLNN)", half, (long long)snapshot->at_ns, (long long)snapshot->from_ns, counters, figures);
	status = item ? PyList_Append(list, item) : -1;
	Py_XDECREF(item);
	return status;
}

static int take_half(PyObject *list, Py_ssize_t half, struct half_stats *stats)
{
	struct snapshot snapshot;

	while (snapshot_take(stats, &snapshot))
		if (append_snapshot(list, half, &snapshot))
			return -1;
	return 0;
}

/* Of all links that `slots` name; half 2i is up of slots[i], 2i + 1 down. */
static PyObject *take_all(struct shared_stats *stats, Py_ssize_t slot_count, PyObject *slots)
{
	PyObject *list = PyList_New(0);

	for (Py_ssize_t i = 0; list && i < PyTuple_Size(slots); i++) {
		Py_ssize_t slot = PyLong_AsSsize_t(PyTuple_GetItem(slots, i));
		int status = slot == -1 && PyErr_Occurred() ? -1 : 0;

		if (!status && (slot < 0 || slot >= slot_count)) {
			PyErr_Format(PyExc_ValueError, "slot is %zd; the buffer has %zd", slot, slot_count);
			status = -1;
		}
		for (int way = 0; way < 2 && !status; way++)
			status = take_half(list, 2 * i + way, &stats->links[slot].halves[way]);
		if (status)
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *take_snapshots(PyObject *module, PyObject *args)
{
	PyObject *slots, *list = NULL;
	Py_buffer buffer;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*O!:take_snapshots", &buffer, &PyTuple_Type, &slots))
		return NULL;
	if (!buffer_refuse_unaligned(&buffer)) {
		Py_ssize_t links = buffer.len - (Py_ssize_t)stats_bytes(0);

		list = take_all(buffer.buf, links < 0 ? 0 : links / (Py_ssize_t)sizeof(struct link_stats), slots);
	}
	PyBuffer_Release(&buffer);
	return list;
}

static PyObject *gaps_to_python(const struct gap *gaps, unsigned count)
{
	PyObject *list = PyList_New(count);

	for (unsigned i = 0; list && i < count; i++) {
		PyObject *item = Py_BuildValue("(LL)", (long long)gaps[i].begin_ns, (long long)gaps[i].length_ns);

		if (!item || PyList_SetItem(list, i, item))
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *worker_to_python(const struct worker_stats *stats)
{
	struct gap gaps[GAPS_KEPT];
	uint64_t passes = stats_load(&stats->passes), recorded;
	unsigned count = worker_stats_read_gaps(stats, gaps, &recorded);
	PyObject *list = gaps_to_python(gaps, count);
	PyObject *histogram = list ? histogram_to_python(&stats->gaps) : NULL;

	if (histogram)
		return Py_BuildValue("(KLLKNN)", (unsigned long long)passes,
			(long long)stats_load((const uint64_t *)&stats->pass_ns),
			(long long)stats_load((const uint64_t *)&stats->until_ns), (unsigned long long)recorded, list, histogram);
	Py_XDECREF(list);
	return NULL;
}

static PyObject *read_worker(PyObject *module, PyObject *args)
{
	PyObject *result = NULL;
	Py_buffer buffer;
	Py_ssize_t index;

	(void)module;
	if (!PyArg_ParseTuple(args, "y*n:read_worker", &buffer, &index))
		return NULL;
	if (buffer_refuse_unaligned(&buffer))
		; /* the exception is set */
	else if (index < 0 || index >= WORKERS_MAX || buffer.len < (Py_ssize_t)stats_bytes(0))
		PyErr_Format(PyExc_ValueError, "the worker is %zd; legal is 0 to %d", index, WORKERS_MAX - 1);
	else
		result = worker_to_python(&((const struct shared_stats *)buffer.buf)->workers[index]);
	PyBuffer_Release(&buffer);
	return result;
}

static PyMethodDef functions[] = {
	{"stats_size", stats_size, METH_O, NULL},
	{"read_stats", read_stats, METH_VARARGS, NULL},
	{"take_snapshots", take_snapshots, METH_VARARGS, NULL},
	{"read_start", read_start, METH_VARARGS, NULL},
	{"read_noted", read_noted, METH_VARARGS, NULL},
	{"read_worker", read_worker, METH_VARARGS, NULL},
	{"worker_of", worker_of, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int stats_functions_add(PyObject *module)
{
	PyObject *names = PyTuple_New(COUNTERS);

	for (int i = 0; names && i < COUNTERS; i++) {
		PyObject *name = PyUnicode_FromString(counter_names[i]);

		if (!name || PyTuple_SetItem(names, i, name))
			Py_CLEAR(names);
	}
	if (!names || PyModule_AddObjectRef(module, "COUNTER_NAMES", names)) {
		Py_XDECREF(names);
		return -1;
	}
	Py_DECREF(names);
	if (PyModule_AddIntConstant(module, "WORKERS_MAX", WORKERS_MAX))
		return -1;
	return PyModule_AddFunctions(module, functions);
}
