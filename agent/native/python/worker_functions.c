/* The Python face of how workers sleep: their configuration, and the arithmetic of it as a function for tests. */
#include <string.h>

#include "python/forwarder_type.h"

static int spin_from_name(const char *name, enum spin *spin)
{
	static const char *const names[] = {[SPIN_OFF] = "off", [SPIN_ADAPTIVE] = "adaptive", [SPIN_BUSY] = "busy"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(name, names[i])) {
			*spin = i;
			return 0;
		}
	PyErr_Format(PyExc_ValueError, "spin is '%s'; legal is off, adaptive or busy", name);
	return -1;
}

int worker_config_from_python(PyObject *tuple, struct worker_config *config)
{
	long long spin_share, share, burst;
	const char *spin;

	if (!PyTuple_Check(tuple)) {
		PyErr_SetString(PyExc_TypeError, "a worker is a tuple; see NativeWorker");
		return -1;
	}
	if (!PyArg_ParseTuple(tuple, "sLiiLL:worker", &spin, &spin_share, &config->priority.cpu,
		    &config->priority.real_time, &share, &burst))
		return -1;
	if (spin_share < 0 || share < 0 || burst < 0 || burst > NS_PER_S) {
		PyErr_SetString(PyExc_ValueError, "shares are 0 or more, a burst is 0 to 1000000000 ns");
		return -1;
	}
	config->spin_share = spin_share;
	config->priority.real_time_share = share;
	config->priority.real_time_burst_ns = burst;
	return spin_from_name(spin, &config->spin);
}

/* [(now, spent)] from time 0: what is left at each `now`, before the spending. */
static PyObject *allowance_trace(PyObject *module, PyObject *args)
{
	struct allowance allowance;
	long long share, burst, now, spent;
	PyObject *steps, *left;

	(void)module;
	if (!PyArg_ParseTuple(args, "LLO!:allowance_trace", &share, &burst, &PyList_Type, &steps))
		return NULL;
	if (share < 0 || burst < 0 || burst > NS_PER_S)
		return PyErr_Format(PyExc_ValueError, "a share is 0 or more, a burst is 0 to 1000000000 ns");
	left = PyList_New(0);
	allowance_init(&allowance, share, burst, 0);
	for (Py_ssize_t i = 0; left && i < PyList_Size(steps); i++) {
		PyObject *item = NULL;

		if (!PyArg_ParseTuple(PyList_GetItem(steps, i), "LL:step", &now, &spent))
			; /* the exception is set */
		else if (now < allowance.at_ns || spent < 0)
			PyErr_SetString(PyExc_ValueError, "time does not go back, neither on the clock nor in what is spent");
		else
			item = PyLong_FromLongLong(allowance_left(&allowance, now));
		if (!item || PyList_Append(left, item))
			Py_CLEAR(left);
		else
			allowance_spend(&allowance, spent);
		Py_XDECREF(item);
	}
	return left;
}

/* How long frames gather after `frames` were received `passed` ns after those before, with `left` ns left for spinning. */
static PyObject *gather_ns(PyObject *module, PyObject *args)
{
	long long left, passed;
	struct pace pace;
	unsigned frames;
	const char *name;
	enum spin spin;

	(void)module;
	if (!PyArg_ParseTuple(args, "sLIL:gather_ns", &name, &left, &frames, &passed) || spin_from_name(name, &spin))
		return NULL;
	if (left < 0 || left > NS_PER_S)
		return PyErr_Format(PyExc_ValueError, "left is %lld; legal is 0 to 1000000000 ns", left);
	pace_init(&pace, spin, 0, passed);
	pace.spinning.left = left * ALLOWANCE_WHOLE;
	pace_received(&pace, frames, passed);
	return PyLong_FromLongLong(pace.gather_ns ? pace.gather_ns - passed : 0);
}

/* How long frames may stay unread `passed` ns after passes that had so many each, so many ns one after the other. */
static PyObject *unread_ns(PyObject *module, PyObject *args)
{
	long long may, passed, spacing;
	struct pace pace;
	unsigned frames;

	(void)module;
	if (!PyArg_ParseTuple(args, "LILL:unread_ns", &may, &frames, &spacing, &passed))
		return NULL;
	if (spacing < 0 || passed < 0 || spacing > NS_PER_S || passed > NS_PER_S)
		return PyErr_Format(PyExc_ValueError, "spacing and passed are 0 to 1000000000 ns");
	pace_init(&pace, SPIN_OFF, 0, 0);
	pace_received(&pace, frames, NS_PER_S);
	pace_received(&pace, frames, NS_PER_S + spacing);
	return PyLong_FromLongLong(pace_unread_ns(&pace, may, NS_PER_S + spacing + passed));
}

/* How long before what is next a thread wakes that has `left` ns left for spinning, and may do it `slack` ns earlier. */
static PyObject *wakes_before_ns(PyObject *module, PyObject *args)
{
	long long left, slack;
	struct pace pace;
	const char *name;
	enum spin spin;

	(void)module;
	if (!PyArg_ParseTuple(args, "sLL:wakes_before_ns", &name, &left, &slack) || spin_from_name(name, &spin))
		return NULL;
	if (left < 0 || left > NS_PER_S || slack < 0 || slack > NS_PER_S)
		return PyErr_Format(PyExc_ValueError, "left and slack are 0 to 1000000000 ns");
	pace_init(&pace, spin, 0, 0);
	pace.spinning.left = left * ALLOWANCE_WHOLE;
	return PyLong_FromLongLong(NS_PER_S - pace_wake_ns(&pace, NS_PER_S, slack, 0));
}

static PyMethodDef functions[] = {
	{"wakes_before_ns", wakes_before_ns, METH_VARARGS, NULL},
	{"unread_ns", unread_ns, METH_VARARGS, NULL},
	{"gather_ns", gather_ns, METH_VARARGS, NULL},
	{"allowance_trace", allowance_trace, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int worker_functions_add(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
