/* The Python type Forwarder, and the functions around it. Documented in _core.pyi. */
#ifndef PLCTL_FORWARDER_TYPE_H
#define PLCTL_FORWARDER_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "path/trigger.h"
#include "worker/worker.h"

/* Each returns 0, or -1 with a Python exception set. */
int forwarder_type_add(PyObject *module);
int stats_functions_add(PyObject *module);
int packet_functions_add(PyObject *module);
int packet_log_functions_add(PyObject *module);
int worker_functions_add(PyObject *module);
int frames_functions_add(PyObject *module);

int buffer_refuse_unaligned(const Py_buffer *buffer); /* of which words are read; likewise */

int trigger_from_name(const char *name, enum trigger *trigger);
int worker_config_from_python(PyObject *tuple, struct worker_config *config); /* NativeWorker in _core.pyi */

#endif
