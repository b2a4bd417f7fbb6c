/* See schedule_type.h. Rows come in columns of bytes, so that a million of them are no million of Python's objects. */
#include "python/schedule_type.h"

#include <stdlib.h>
#include <string.h>

#include "python/rows.h"

#define COUNT_FIELD(name) #name,

static const char *const field_names[] = {ROW_FIELDS(COUNT_FIELD)};

typedef struct {
	PyObject_HEAD
	struct schedule *schedule;
} ScheduleObject;

static PyTypeObject *schedule_type; /* for the process's life */

/* The bytes of column `field`, which must have `count` numbers (SIZE_MAX: any number of them, which it is set to). */
static const char *column(PyObject *columns, size_t field, size_t *count)
{
	PyObject *bytes = PyTuple_GetItem(columns, (Py_ssize_t)field);
	Py_ssize_t length;
	char *data;

	if (!bytes || PyBytes_AsStringAndSize(bytes, &data, &length))
		return NULL;
	if (*count == SIZE_MAX)
		*count = (size_t)length / sizeof(int64_t);
	if ((size_t)length != *count * sizeof(int64_t)) {
		PyErr_Format(PyExc_ValueError, "the column %s has %zd bytes; it must have %zu, 8 for each row",
			field_names[field], length, *count * sizeof(int64_t));
		return NULL;
	}
	return data;
}

static struct row *rows_of_columns(PyObject *columns, size_t *count)
{
	struct row *rows = NULL;

	*count = SIZE_MAX;
	for (size_t field = 0; field < ROW_FIELD_COUNT; field++) {
		const char *data = column(columns, field, count);

		if (data && !rows && !(rows = malloc((*count + 1) * sizeof(*rows))))
			PyErr_NoMemory();
		if (!data || !rows) {
			free(rows);
			return NULL;
		}
		for (size_t i = 0; i < *count; i++)
			memcpy((int64_t *)&rows[i] + field, data + i * sizeof(int64_t), sizeof(int64_t));
	}
	return rows;
}

static PyObject *schedule_type_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *keywords[] = {"columns", "routes", "period_ns", "opportunities", "loop_ns", NULL};
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	long long routes, period_ns, loop_ns = 0;
	struct schedule *schedule;
	PyObject *columns, *trace = Py_None;
	struct row *rows;
	PyObject *self;
	size_t count;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!LL|OL:Schedule", keywords, &PyTuple_Type, &columns, &routes,
		    &period_ns, &trace, &loop_ns))
		return NULL;
	if (PyTuple_Size(columns) != ROW_FIELD_COUNT)
		return PyErr_Format(PyExc_ValueError, "there are %zd columns; a row has %zu fields", PyTuple_Size(columns),
			ROW_FIELD_COUNT);
	rows = rows_of_columns(columns, &count);
	schedule = rows ? schedule_of_rows(rows, count, period_ns, loop_ns, routes) : NULL;
	if (schedule && trace != Py_None && opportunities_from_python(trace, schedule)) {
		schedule_release(schedule);
		schedule = NULL;
	}
	if (!schedule)
		return NULL;
	self = alloc(type, 0);
	if (self)
		((ScheduleObject *)self)->schedule = schedule;
	else
		schedule_release(schedule);
	return self;
}

static void schedule_type_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	schedule_release(((ScheduleObject *)object)->schedule);
	release(object);
	Py_DECREF(type);
}

struct schedule *schedule_from_python(PyObject *object)
{
	if (PyObject_TypeCheck(object, schedule_type))
		return schedule_hold(((ScheduleObject *)object)->schedule);
	PyErr_Format(PyExc_TypeError, "schedule must be a Schedule, not %R", object);
	return NULL;
}

static PyType_Slot schedule_slots[] = {
	{Py_tp_doc, "The rows of one direction, which many halves may share; see _core.pyi."},
	{Py_tp_new, schedule_type_new},
	{Py_tp_dealloc, schedule_type_dealloc},
	{0, NULL},
};

static PyType_Spec schedule_spec = {
	.name = "plctl.agent.native._core.Schedule",
	.basicsize = sizeof(ScheduleObject),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = schedule_slots,
};

static PyObject *names(void)
{
	PyObject *tuple = PyTuple_New(ROW_FIELD_COUNT);

	for (size_t i = 0; tuple && i < ROW_FIELD_COUNT; i++) {
		PyObject *name = PyUnicode_FromString(field_names[i]);

		if (!name || PyTuple_SetItem(tuple, (Py_ssize_t)i, name))
			Py_CLEAR(tuple);
	}
	return tuple;
}

int schedule_type_add(PyObject *module)
{
	PyObject *fields = names();

	schedule_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &schedule_spec, NULL);
	if (!fields || !schedule_type || PyModule_AddType(module, schedule_type) ||
	    PyModule_AddObjectRef(module, "ROW_FIELDS", fields)) {
		Py_XDECREF(fields);
		return -1;
	}
	Py_DECREF(fields);
	return 0;
}
