/* The Python type Half: one direction of a link under a caller's clock, for tests. Documented in _core.pyi. */
#ifndef PLCTL_HALF_TYPE_H
#define PLCTL_HALF_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the type to the module; 0, or -1 with a Python exception set. */
int half_type_add(PyObject *module);

/* Likewise the functions of model_functions.c. */
int model_functions_add(PyObject *module);

#endif
