/* See impairments_config.h. */
#include "python/impairments_config.h"

#include <stdlib.h>
#include <string.h>

#include "python/rows.h"

#define KEYS 13

static int get(PyObject *dict, const char *key, int64_t least, int64_t most, int64_t *out)
{
	PyObject *value = dict_get(dict, key);

	if (!value || int64_from_python(value, key, out))
		return -1;
	if (*out >= least && *out <= most)
		return 0;
	PyErr_Format(PyExc_ValueError, "%s is %R; legal is %lld to %lld", key, value, (long long)least, (long long)most);
	return -1;
}

static int get_share(PyObject *dict, const char *key, uint32_t *out)
{
	int64_t value;

	if (get(dict, key, 0, CERTAIN, &value))
		return -1;
	*out = (uint32_t)value;
	return 0;
}

static int get_model(PyObject *dict, enum loss_model *model)
{
	static const char *const names[] = {"bernoulli", "burst", "gilbert-elliott", "pattern", "list"};
	PyObject *value = dict_get(dict, "loss_model");

	if (!value)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (PyUnicode_Check(value) && !PyUnicode_CompareWithASCIIString(value, names[i])) {
			*model = (enum loss_model)i;
			return 0;
		}
	PyErr_Format(PyExc_ValueError, "loss_model is %R; legal is bernoulli, burst, gilbert-elliott, pattern or list", value);
	return -1;
}

/* The numbers of a sequence, `each` to an item, into a new array, which has at least one place; NULL: an exception is set. */
static int64_t *numbers(PyObject *dict, const char *key, Py_ssize_t each, size_t *count)
{
	PyObject *value = dict_get(dict, key), *tuple = value ? PySequence_Tuple(value) : NULL;
	int64_t *found = NULL;

	if (!tuple)
		return NULL;
	*count = (size_t)PyTuple_Size(tuple);
	found = malloc((*count * (size_t)each + 1) * sizeof(*found));
	if (!found)
		PyErr_NoMemory();
	for (Py_ssize_t i = 0; found && i < (Py_ssize_t)*count; i++) {
		PyObject *item = PyTuple_GetItem(tuple, i), *parts = each > 1 ? PySequence_Tuple(item) : PyTuple_Pack(1, item);
		bool good = parts && PyTuple_Size(parts) == each;

		if (parts && !good)
			PyErr_Format(PyExc_ValueError, "an item of %s has not %zd numbers", key, each);
		for (Py_ssize_t j = 0; good && j < each; j++)
			good = !int64_from_python(PyTuple_GetItem(parts, j), key, &found[i * each + j]);
		Py_XDECREF(parts);
		if (!good) {
			free(found);
			found = NULL;
		}
	}
	Py_DECREF(tuple);
	return found;
}

static int get_pattern(PyObject *dict, struct loss_config *loss)
{
	int64_t *found = numbers(dict, "loss_pattern", 1, &loss->pattern_count);
	uint32_t *pattern = found ? malloc((loss->pattern_count + 1) * sizeof(*pattern)) : NULL;

	if (found && !pattern)
		PyErr_NoMemory();
	for (size_t i = 0; pattern && i < loss->pattern_count; i++)
		pattern[i] = found[i] >= 0 && found[i] <= CERTAIN ? (uint32_t)found[i] : UINT32_MAX; /* refused by the check */
	free(found);
	loss->pattern = pattern;
	return pattern ? 0 : -1;
}

static int get_listed(PyObject *dict, struct loss_config *loss)
{
	int64_t *found = numbers(dict, "loss_listed", 2, &loss->listed_count);
	struct frames *listed = found ? malloc((loss->listed_count + 1) * sizeof(*listed)) : NULL;

	if (found && !listed)
		PyErr_NoMemory();
	for (size_t i = 0; listed && i < loss->listed_count; i++)
		listed[i] = (struct frames){
			.first = found[2 * i] > 0 ? (uint64_t)found[2 * i] : 0, .last = (uint64_t)found[2 * i + 1]};
	free(found);
	loss->listed = listed;
	return listed ? 0 : -1;
}

static int get_table(PyObject *dict, const char *key, struct table *table)
{
	PyObject *value = dict_get(dict, key);
	Py_ssize_t length;
	char *bytes;
	int32_t *values;

	if (!value || PyBytes_AsStringAndSize(value, &bytes, &length))
		return -1;
	if (length % (Py_ssize_t)sizeof(*values) || length / (Py_ssize_t)sizeof(*values) > JITTER_TABLE_MOST) {
		PyErr_Format(PyExc_ValueError, "%s has %zd bytes; legal are 4 for each of at most %d values", key, length,
			JITTER_TABLE_MOST);
		return -1;
	}
	values = malloc((size_t)length + 1);
	if (!values) {
		PyErr_NoMemory();
		return -1;
	}
	memcpy(values, bytes, (size_t)length);
	*table = (struct table){values, (size_t)length / sizeof(*values)};
	return 0;
}

static int get_loss(PyObject *dict, struct loss_config *loss)
{
	if (get_model(dict, &loss->model) || get_share(dict, "loss_p", &loss->p) || get_share(dict, "loss_r", &loss->r) ||
	    get_share(dict, "loss_good", &loss->good) || get_share(dict, "loss_bad", &loss->bad))
		return -1;
	return get_pattern(dict, loss) || get_listed(dict, loss) ? -1 : 0;
}

static int get_jitter(PyObject *dict, struct jitter_config *jitter)
{
	int64_t correlation;

	if (get_table(dict, "distribution", &jitter->distribution) || get_table(dict, "normal", &jitter->normal) ||
	    get(dict, "correlation", 0, INT64_C(1) << 32, &correlation) ||
	    get(dict, "correlation_time_ns", 0, INT64_MAX, &jitter->correlation_time_ns))
		return -1;
	jitter->correlation = (uint64_t)correlation;
	return 0;
}

int impairments_config_from_python(PyObject *dict, struct impairments_config *config)
{
	PyObject *reorder;
	int reorders;

	*config = (struct impairments_config){0};
	if (!PyDict_Check(dict)) {
		PyErr_Format(PyExc_TypeError, "impairments must be a dict, not %R", dict);
		return -1;
	}
	reorder = dict_get(dict, "reorder");
	reorders = reorder ? PyObject_IsTrue(reorder) : -1;
	if (reorders < 0 || get(dict, "duplicate_delay_ns", 0, INT64_MAX, &config->duplicate_delay_ns) ||
	    get_loss(dict, &config->loss) || get_jitter(dict, &config->jitter))
		; /* the exception is set */
	else if (PyDict_Size(dict) != KEYS)
		PyErr_SetString(PyExc_TypeError, "impairments has keys that nobody knows");
	else {
		config->reorder = reorders;
		return 0;
	}
	impairments_config_end(config);
	return -1;
}

void impairments_config_end(struct impairments_config *config)
{
	free((void *)config->loss.pattern);
	free((void *)config->loss.listed);
	free((void *)config->jitter.distribution.values);
	free((void *)config->jitter.normal.values);
	*config = (struct impairments_config){0};
}
