/* See queue_config.h. */
#include "python/queue_config.h"

#include "python/rows.h"

static int find_discipline(PyObject *name, struct queue_config *config)
{
	const char *text = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;

	if (!text)
		return -1;
	if (discipline_find(text, &config->discipline))
		return 0;
	PyErr_Format(PyExc_ValueError, "queue.name is %R; the core has no such discipline", name);
	return -1;
}

/* All parameters of the discipline; how many, or -1 with a Python exception set. */
static Py_ssize_t get_values(PyObject *dict, struct queue_config *config)
{
	const struct parameter *parameters = config->discipline ? config->discipline->parameters : NULL;
	Py_ssize_t count = 0;

	for (; parameters && parameters[count].name; count++) {
		PyObject *value = dict_get(dict, parameters[count].name);

		if (!value || int64_from_python(value, parameters[count].name, &config->values[count]))
			return -1;
	}
	return count;
}

int queue_config_from_python(PyObject *dict, struct queue_config *config)
{
	Py_ssize_t count;

	*config = (struct queue_config){0};
	if (!PyDict_Check(dict)) {
		PyErr_Format(PyExc_TypeError, "queue must be a dict, not %R", dict);
		return -1;
	}
	if (find_discipline(dict_get(dict, "name"), config) || (count = get_values(dict, config)) < 0)
		return -1;
	if (PyDict_Size(dict) == 1 + count)
		return 0;
	PyErr_SetString(PyExc_TypeError, "queue has keys that its discipline does not know");
	return -1;
}

static PyObject *describe_parameters(const struct parameter *parameter)
{
	PyObject *list = PyList_New(0);

	for (; list && parameter && parameter->name; parameter++) {
		PyObject *item = Py_BuildValue("sLL", parameter->name, (long long)parameter->least, (long long)parameter->most);

		if (!item || PyList_Append(list, item))
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

int queue_config_describe(PyObject *module)
{
	PyObject *dict = PyDict_New();
	int status = dict ? 0 : -1;

	for (const struct discipline *const *known = disciplines; !status && *known; known++) {
		PyObject *list = describe_parameters((*known)->parameters);

		status = list ? PyDict_SetItemString(dict, (*known)->name, list) : -1;
		Py_XDECREF(list);
	}
	if (!status)
		status = PyModule_AddObjectRef(module, "DISCIPLINES", dict);
	Py_XDECREF(dict);
	return status;
}
