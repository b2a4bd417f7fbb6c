/* The Python face of tc_programs.h. */
#include <errno.h>

#include "python/forwarder_type.h"
#include "io/tc_programs.h"

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
	{"tc_programs", tc_programs, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

int tc_functions_add(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
