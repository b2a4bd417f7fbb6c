/* From a Python dict to the configuration of a queue. */
#ifndef PLCTL_QUEUE_CONFIG_H
#define PLCTL_QUEUE_CONFIG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "model/queue.h"

/* A dict with the key name, of a discipline, and all of its parameters; 0, or -1 with a Python exception set that names what is wrong. */
int queue_config_from_python(PyObject *dict, struct queue_config *config);

/* Adds what the disciplines have for parameters to the module, as DISCIPLINES; 0, or -1 with a Python exception set. */
int queue_config_describe(PyObject *module);

#endif
