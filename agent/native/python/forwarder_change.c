/* How a link that runs goes over to other schedules. What that needs is made here, and ended here, without its worker. */
#include <errno.h>

#include "python/forwarder_object.h"
#include "python/rows.h"

struct changing {
	struct half_config configs[2];
	struct half_change *changes[2];
};

/* The halves' new configurations; whether they could be read. changing_end() is due either way. */
static bool changing_begin(struct changing *changing, PyObject *const halves[2])
{
	for (int i = 0; i < 2; i++)
		if (half_config_from_python(halves[i], &changing->configs[i])) {
			changing->configs[i] = (struct half_config){0};
			return false;
		}
	for (int i = 0; i < 2; i++)
		if (!(changing->changes[i] = half_change_new(&changing->configs[i]))) {
			PyErr_SetFromErrno(PyExc_OSError);
			return false;
		}
	return true;
}

static void changing_end(struct changing *changing)
{
	for (int i = 0; i < 2; i++) {
		half_change_free(changing->changes[i]);
		half_config_end(&changing->configs[i]);
	}
}

static PyObject *answer(int error)
{
	switch (error) {
	case 0:
		Py_RETURN_TRUE;
	case ETIME:
		Py_RETURN_FALSE;
	case EAGAIN:
		return raise_os_error(error, "cannot change the link: its scenario has not started");
	default:
		return raise_os_error(error, "cannot change the link: what it is to go over to is of another kind");
	}
}

PyObject *forwarder_change(PyObject *object, PyObject *args)
{
	struct changing changing = {0};
	PyObject *halves[2], *result = NULL;
	struct slot *slot;
	Py_ssize_t index;
	long long at;
	int error;

	if (!PyArg_ParseTuple(args, "nO!O!L:change", &index, &PyDict_Type, &halves[0], &PyDict_Type, &halves[1], &at))
		return NULL;
	if (changing_begin(&changing, halves) && (slot = claim_link((ForwarderObject *)object, index))) {
		Py_BEGIN_ALLOW_THREADS
		error = worker_change(slot->worker, slot->link, changing.changes, at);
		Py_END_ALLOW_THREADS
		slot->busy = false;
		result = answer(error);
	}
	changing_end(&changing);
	return result;
}
