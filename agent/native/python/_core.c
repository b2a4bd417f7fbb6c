/* The Python face of the C core: creates the module and lets each type add itself. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/forwarder_type.h"
#include "python/half_type.h"
#include "python/schedule_type.h"

static int add_types(PyObject *module)
{
	if (schedule_type_add(module) || half_type_add(module) || forwarder_type_add(module))
		return -1;
	if (model_functions_add(module) || stats_functions_add(module) || packet_functions_add(module))
		return -1;
	if (packet_log_functions_add(module) || worker_functions_add(module))
		return -1;
	return frames_functions_add(module);
}

static PyModuleDef_Slot core_slots[] = {
	{Py_mod_exec, add_types},
	{0, NULL},
};

static struct PyModuleDef core_module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "plctl.agent.native._core",
	.m_doc = "The C core of plctl: the link model and the packet path.",
	.m_slots = core_slots,
};

PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&core_module);
}
