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
	PyErr_Format(PyExc_ValueError, "queue.name is %R; legal is " DISCIPLINES_KNOWN, name);
	return -1;
}

int queue_config_from_python(PyObject *dict, struct queue_config *config)
{
	*config = (struct queue_config){0};
	if (!PyDict_Check(dict)) {
		PyErr_Format(PyExc_TypeError, "queue must be a dict, not %R", dict);
		return -1;
	}
	if (find_discipline(dict_get(dict, "name"), config))
		return -1;
	if (PyDict_Size(dict) == 1)
		return 0;
	PyErr_SetString(PyExc_TypeError, "queue has keys that its discipline does not know");
	return -1;
}
