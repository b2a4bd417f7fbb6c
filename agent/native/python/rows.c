/* From Python objects to what the link model takes, so that every type checks its arguments with the same sentences. */
#include "python/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/opportunities.h"
#include "python/impairments_config.h"
#include "python/queue_config.h"
#include "python/schedule_type.h"

int int64_from_python(PyObject *value, const char *what, int64_t *out)
{
	int overflow;

	if (!PyLong_Check(value)) {
		PyErr_Format(PyExc_TypeError, "%s must be an int, not %R", what, value);
		return -1;
	}
	*out = PyLong_AsLongLongAndOverflow(value, &overflow);
	if (overflow) {
		PyErr_Format(PyExc_ValueError, "%s is %R; it must fit into 64 bits with a sign", what, value);
		return -1;
	}
	return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Where in struct row the ith value of a tuple belongs: Python has the route fifth, and all else in the same order. */
static size_t place_of(size_t i)
{
	return i == 0 || i > 4 ? i : i < 4 ? i + 1 : 1;
}

static int row_from_tuple(PyObject *tuple, size_t index, struct row *row)
{
#define NAME(name) #name,
	static const char *const names[] = {ROW_FIELDS(NAME)};
#undef NAME
	int64_t values[ROW_FIELD_COUNT] = {0};
	size_t size = (size_t)PyTuple_Size(tuple);
	char what[64];

	if (size < 5 || size > ROW_FIELD_COUNT) {
		PyErr_Format(PyExc_ValueError,
			"rows[%zu] has %zu values; legal is (time_ns, delay_ns, rate_bps, queue_bytes, route), and behind these "
			"up to %zu more, in the order of struct row", index, size, ROW_FIELD_COUNT - 5);
		return -1;
	}
	for (size_t i = 0; i < size; i++) {
		snprintf(what, sizeof(what), "rows[%zu].%s", index, names[place_of(i)]);
		if (int64_from_python(PyTuple_GetItem(tuple, (Py_ssize_t)i), what, &values[place_of(i)]))
			return -1;
	}
	memcpy(row, values, sizeof(*row));
	return 0;
}

static int rows_from_tuple(PyObject *tuple, struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		PyObject *values = PySequence_Tuple(PyTuple_GetItem(tuple, (Py_ssize_t)i));
		int failed = !values || row_from_tuple(values, i, &rows[i]);

		Py_XDECREF(values);
		if (failed)
			return -1;
	}
	return 0;
}

int rows_from_python(PyObject *sequence, struct row **rows, size_t *count)
{
	PyObject *tuple = PySequence_Tuple(sequence);

	if (!tuple)
		return -1;
	*count = (size_t)PyTuple_Size(tuple);
	*rows = malloc((*count ? *count : 1) * sizeof(**rows));
	if (!*rows)
		PyErr_NoMemory();
	if (!*rows || rows_from_tuple(tuple, *rows, *count)) {
		free(*rows);
		*rows = NULL;
		Py_DECREF(tuple);
		return -1;
	}
	Py_DECREF(tuple);
	return 0;
}

/* The index of `value` among `words`, which end with NULL. */
static int word_from_python(PyObject *value, const char *what, const char *const *words, const char *legal, int *index)
{
	for (*index = 0; words[*index]; ++*index)
		if (PyUnicode_Check(value) && !PyUnicode_CompareWithASCIIString(value, words[*index]))
			return 0;
	PyErr_Format(PyExc_ValueError, "%s is %R; legal is %s", what, value, legal);
	return -1;
}

PyObject *dict_get(PyObject *dict, const char *key)
{
	PyObject *value = PyDict_GetItemString(dict, key); /* borrowed */

	if (!value)
		PyErr_Format(PyExc_TypeError, "the argument %s is missing", key);
	return value;
}

static int get_int64(PyObject *dict, const char *key, int64_t *out)
{
	PyObject *value = dict_get(dict, key);

	return value ? int64_from_python(value, key, out) : -1;
}

static int get_words(PyObject *dict, struct half_config *config)
{
	static const char *const units[] = {"bytes", "packets", "bdp", NULL};
	static const char *const modes[] = {"gsl", "all", NULL};
	PyObject *unit = dict_get(dict, "capacity_unit");
	PyObject *mode = unit ? dict_get(dict, "reconfiguration_mode") : NULL;
	int unit_index, mode_index;

	if (!mode || word_from_python(unit, "capacity_unit", units, "bytes, packets or bdp", &unit_index) ||
	    word_from_python(mode, "reconfiguration_mode", modes, "gsl or all", &mode_index))
		return -1;
	config->capacity_unit = (enum capacity_unit)unit_index;
	config->reconfiguration_mode = (enum reconfiguration_mode)mode_index;
	return 0;
}

/* The gaps of a trace, copied. */
static int gaps_from_python(PyObject *bytes, struct opportunities *trace)
{
	Py_ssize_t length;
	char *data;

	if (!bytes || PyBytes_AsStringAndSize(bytes, &data, &length))
		return -1;
	trace->length = (size_t)length;
	trace->gaps = malloc(trace->length + 1);
	if (!trace->gaps) {
		PyErr_NoMemory();
		return -1;
	}
	memcpy(trace->gaps, data, trace->length);
	return 0;
}

int opportunities_from_python(PyObject *tuple, struct schedule *schedule)
{
	static const char *const names[] = {"unit_ns", "period_ns", "bytes"};
	struct opportunities trace = {0};
	int64_t *const numbers[] = {&trace.unit_ns, &trace.period_ns, &trace.bytes};
	char why[160];

	if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != 4) {
		PyErr_Format(PyExc_TypeError, "opportunities must be (gaps, unit_ns, period_ns, bytes), not %R", tuple);
		return -1;
	}
	for (int i = 0; i < 3; i++)
		if (int64_from_python(PyTuple_GetItem(tuple, i + 1), names[i], numbers[i]))
			return -1;
	if (gaps_from_python(PyTuple_GetItem(tuple, 0), &trace))
		return -1;
	if (!opportunities_check(&trace, why, sizeof(why))) {
		PyErr_SetString(PyExc_ValueError, why);
		opportunities_end(&trace);
		return -1;
	}
	if (schedule_serve_by(schedule, &trace))
		return 0;
	PyErr_NoMemory();
	return -1;
}

struct schedule *schedule_of_rows(struct row *rows, size_t count, int64_t period_ns, int64_t loop_ns, int64_t routes)
{
	struct schedule *schedule;
	char why[160];

	if (!schedule_check(rows, count, routes, why, sizeof(why)) ||
	    !repetition_check(rows, count, period_ns, loop_ns, why, sizeof(why))) {
		PyErr_SetString(PyExc_ValueError, why);
		free(rows);
		return NULL;
	}
	schedule = schedule_new(rows, count, period_ns, (uint32_t)routes);
	if (schedule)
		schedule_loop_from(schedule, loop_ns);
	else
		PyErr_NoMemory();
	return schedule;
}

struct schedule *schedule_from_dict(PyObject *dict)
{
	PyObject *sequence = dict_get(dict, "rows");
	PyObject *trace = PyDict_GetItemString(dict, "opportunities"); /* borrowed, as the other */
	struct schedule *schedule;
	int64_t period_ns, routes, loop_ns = 0;
	struct row *rows = NULL;
	size_t count;

	if (!sequence || get_int64(dict, "period_ns", &period_ns) || get_int64(dict, "routes", &routes) ||
	    (PyDict_GetItemString(dict, "loop_ns") && get_int64(dict, "loop_ns", &loop_ns)) ||
	    rows_from_python(sequence, &rows, &count))
		return NULL;
	schedule = schedule_of_rows(rows, count, period_ns, loop_ns, routes);
	if (schedule && trace && opportunities_from_python(trace, schedule)) {
		schedule_release(schedule);
		return NULL;
	}
	return schedule;
}

static int get_numbers(PyObject *dict, struct half_config *config)
{
	int64_t key;

	if (get_int64(dict, "key", &key))
		return -1;
	config->key = (uint64_t)key;
	return get_int64(dict, "capacity_amount", &config->capacity_amount) ||
		       get_int64(dict, "full_frame", &config->full_frame) ||
		       get_int64(dict, "reconfiguration_ns", &config->reconfiguration_ns) ?
		-1 :
		0;
}

static int has(PyObject *dict, const char *key)
{
	return PyDict_GetItemString(dict, key) != NULL;
}

int half_config_from_python(PyObject *dict, struct half_config *config)
{
	PyObject *shared = PyDict_GetItemString(dict, "schedule"); /* borrowed */
	PyObject *queue, *impairments;
	char why[160];

	config->schedule = shared ? schedule_from_python(shared) : schedule_from_dict(dict);
	if (!config->schedule)
		return -1;
	config->impairments = (struct impairments_config){0};
	queue = dict_get(dict, "queue"); /* borrowed */
	impairments = queue ? dict_get(dict, "impairments") : NULL;
	if (get_words(dict, config) || get_numbers(dict, config) || !impairments ||
	    queue_config_from_python(queue, &config->queue) ||
	    impairments_config_from_python(impairments, &config->impairments))
		; /* the exception is set */
	else if (PyDict_Size(dict) != (shared ? 9 : 11 + has(dict, "opportunities") + has(dict, "loop_ns")))
		PyErr_SetString(PyExc_TypeError, "there are arguments that a half does not know");
	else if (!half_config_check(config, why, sizeof(why)))
		PyErr_SetString(PyExc_ValueError, why);
	else
		return 0;
	half_config_end(config);
	return -1;
}

void half_config_end(struct half_config *config)
{
	schedule_release(config->schedule);
	config->schedule = NULL;
	impairments_config_end(&config->impairments);
}
