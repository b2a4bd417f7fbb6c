/* What the link model computes from numbers alone, as Python functions: so that it can be held to published values. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "model/draw.h"
#include "python/half_type.h"
#include "python/queue_config.h"

static PyObject *draw_words(PyObject *module, PyObject *args)
{
	unsigned long long key, n;
	unsigned purpose;
	struct draw drawn;

	(void)module;
	if (!PyArg_ParseTuple(args, "KIK:draw", &key, &purpose, &n))
		return NULL;
	drawn = draw(key, purpose, n);
	return Py_BuildValue("IIII", drawn.words[0], drawn.words[1], drawn.words[2], drawn.words[3]);
}

static PyMethodDef functions[] = {
	{"draw", draw_words, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int model_functions_add(PyObject *module)
{
	return PyModule_AddFunctions(module, functions) ? -1 : queue_config_describe(module);
}
