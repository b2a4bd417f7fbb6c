/* The Python face of the C core: creates the module and lets each type add itself. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static struct PyModuleDef core_module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "plctl.agent.native._core",
	.m_doc = "The C core of plctl: the link model and the packet path.",
	.m_size = -1,
};

PyMODINIT_FUNC PyInit__core(void)
{
	return PyModule_Create(&core_module);
}
