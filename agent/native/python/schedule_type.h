/* The Python type Schedule: the rows of one direction, which many halves may share. Documented in _core.pyi. */
#ifndef PLCTL_SCHEDULE_TYPE_H
#define PLCTL_SCHEDULE_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "model/schedule.h"

/* Adds the type, and the tuple ROW_FIELDS, to the module; 0, or -1 with a Python exception set. */
int schedule_type_add(PyObject *module);

/* The schedule of an object of that type, held once more; NULL with a Python exception set if it is none. */
struct schedule *schedule_from_python(PyObject *object);

#endif
