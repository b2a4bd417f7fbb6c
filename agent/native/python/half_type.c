/* Wraps a half for tests: the frames have a length and a number, and the caller is the clock. */
#include "python/half_type.h"

#include <errno.h>
#include <stdlib.h>

#include "python/rows.h"

struct frame {
	struct packet packet; /* first: a packet of ours is a frame */
	uint64_t number;      /* of its arrival, from 0 */
};

typedef struct {
	PyObject_HEAD
	struct half *half;
	uint64_t arrivals;
	PyObject *marked; /* a list of the numbers of frames that were popped with a mark */
	PyObject *corrupted; /* a list of what was popped corrupt: (number, place) */
} HalfObject;

static struct packet *copy_frame(void *owner, const struct packet *original)
{
	struct frame *frame = malloc(sizeof(*frame));

	(void)owner;
	if (!frame)
		return NULL;
	frame->number = ((const struct frame *)original)->number;
	return &frame->packet;
}

static PyObject *half_type_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct half_config config;
	HalfObject *self;

	if (PyTuple_Size(args) != 0 || !kwargs) {
		PyErr_SetString(PyExc_TypeError, "a Half takes keyword arguments only");
		return NULL;
	}
	if (half_config_from_python(kwargs, &config))
		return NULL;
	self = (HalfObject *)alloc(type, 0);
	if (self)
		self->half = half_new(&config);
	half_config_end(&config);
	if (!self)
		return NULL;
	if (!self->half) {
		Py_DECREF(self);
		return PyErr_SetFromErrno(PyExc_OSError);
	}
	half_set_copies(self->half, copy_frame, NULL);
	self->marked = PyList_New(0);
	self->corrupted = PyList_New(0);
	if (!self->marked || !self->corrupted) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void half_type_dealloc(PyObject *object)
{
	HalfObject *self = (HalfObject *)object;
	PyTypeObject *type = Py_TYPE(object);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
	struct packet *packet;

	while (self->half && (packet = half_drain(self->half)))
		free(packet);
	half_free(self->half);
	Py_XDECREF(self->marked);
	Py_XDECREF(self->corrupted);
	release(object);
	Py_DECREF(type);
}

static int time_from_python(PyObject *value, const char *what, int64_t *out)
{
	if (int64_from_python(value, what, out))
		return -1;
	if (*out >= 0 && *out < TIME_NEVER)
		return 0;
	PyErr_Format(PyExc_ValueError, "%s is %R; it must be from 0 to 2^63 - 2", what, value);
	return -1;
}

static PyObject *half_type_arm(PyObject *object, PyObject *value)
{
	struct half *half = ((HalfObject *)object)->half;
	int64_t t0;

	if (time_from_python(value, "t0", &t0))
		return NULL;
	if (half_arm(half, t0))
		Py_RETURN_NONE;
	PyErr_Format(PyExc_ValueError, "t0 is %R, but virtual time is %lld already, or scenario time has started", value,
		(long long)half_now(half));
	return NULL;
}

static PyObject *refuse_change(int error)
{
	if (error == ETIME)
		PyErr_SetString(PyExc_ValueError, "virtual time is there already");
	else if (error == EAGAIN)
		PyErr_SetString(PyExc_ValueError, "scenario time has not started");
	else
		PyErr_SetString(PyExc_ValueError, "the change is of another kind than the half");
	return NULL;
}

static PyObject *half_type_change(PyObject *object, PyObject *args)
{
	struct half *half = ((HalfObject *)object)->half;
	struct half_config config;
	struct half_change *change;
	PyObject *at_value, *dict;
	int64_t at;
	int error;

	if (!PyArg_ParseTuple(args, "OO!:change", &at_value, &PyDict_Type, &dict) || time_from_python(at_value, "at", &at) ||
	    half_config_from_python(dict, &config))
		return NULL;
	change = half_change_new(&config);
	half_config_end(&config);
	if (!change)
		return PyErr_SetFromErrno(PyExc_OSError);
	error = half_can_change(half, change, at);
	if (!error)
		half_change(half, change);
	half_change_free(change);
	if (error)
		return refuse_change(error);
	Py_RETURN_NONE;
}

static PyObject *half_type_advance(PyObject *object, PyObject *value)
{
	int64_t now;

	if (time_from_python(value, "now", &now))
		return NULL;
	half_advance(((HalfObject *)object)->half, now);
	Py_RETURN_NONE;
}

static PyObject *half_type_arrive(PyObject *object, PyObject *args)
{
	HalfObject *self = (HalfObject *)object;
	PyObject *at_value, *length_value, *result;
	unsigned ecn = 0, flow = 0;
	int64_t at, length;
	struct frame *frame;
	enum verdict verdict;

	if (!PyArg_ParseTuple(args, "OO|II:arrive", &at_value, &length_value, &ecn, &flow) ||
	    time_from_python(at_value, "at", &at) || int64_from_python(length_value, "length", &length))
		return NULL;
	if (length < 1 || length > UINT32_MAX)
		return PyErr_Format(PyExc_ValueError, "length is %R; it must be from 1 to 2^32 - 1", length_value);
	frame = malloc(sizeof(*frame));
	if (!frame)
		return PyErr_NoMemory();
	*frame = (struct frame){.packet = {.length = (uint32_t)length, .ecn = ecn & 3, .flow = flow},
		.number = self->arrivals++};
	verdict = half_arrive(self->half, &frame->packet, at);
	result = Py_BuildValue("iL", (int)verdict, (long long)frame->packet.arrival);
	if (verdict != VERDICT_ADMITTED)
		free(frame);
	return result;
}

/* Ends the life of the packet, which is popped already. */
static int append_frame(PyObject *list, struct packet *packet)
{
	struct frame *frame = (struct frame *)packet;
	PyObject *values = Py_BuildValue("KLLLL", (unsigned long long)frame->number, (long long)packet->arrival,
		(long long)packet->start, (long long)packet->end, (long long)packet->due);
	int status = values ? PyList_Append(list, values) : -1;

	Py_XDECREF(values);
	free(frame);
	return status;
}

/* Notes the packet's number, if it is marked; 0, or -1 with a Python exception set. */
static int note_mark(HalfObject *self, const struct packet *packet)
{
	PyObject *number;
	int status;

	if (!packet->marked)
		return 0;
	number = PyLong_FromUnsignedLongLong(((const struct frame *)packet)->number);
	status = number ? PyList_Append(self->marked, number) : -1;
	Py_XDECREF(number);
	return status;
}

/* How many frames the queue has marked, and those that were popped. */
static PyObject *half_type_marked(PyObject *object, PyObject *ignored)
{
	HalfObject *self = (HalfObject *)object;
	struct half_gauges gauges;

	(void)ignored;
	half_gauges(self->half, &gauges);
	return Py_BuildValue("KO", (unsigned long long)gauges.marked_packets, self->marked);
}

/* Notes the packet, if it is corrupt; 0, or -1 with a Python exception set. */
static int note_corruption(HalfObject *self, const struct packet *packet)
{
	PyObject *pair;
	int status;

	if (!packet->corrupt)
		return 0;
	pair = Py_BuildValue("KI", (unsigned long long)((const struct frame *)packet)->number, packet->corruption);
	status = pair ? PyList_Append(self->corrupted, pair) : -1;
	Py_XDECREF(pair);
	return status;
}

static PyObject *half_type_corrupted(PyObject *object, PyObject *ignored)
{
	(void)ignored;
	return PySequence_List(((HalfObject *)object)->corrupted);
}

static PyObject *half_type_pop(PyObject *object, PyObject *value)
{
	struct half *half = ((HalfObject *)object)->half;
	struct packet *packet;
	PyObject *list;
	int64_t now;

	if (time_from_python(value, "now", &now))
		return NULL;
	list = PyList_New(0);
	while (list && (packet = half_pop(half, now)))
		if (note_mark((HalfObject *)object, packet) | note_corruption((HalfObject *)object, packet) |
		    append_frame(list, packet))
			Py_CLEAR(list);
	return list;
}

/* Ends the life of the packet, which was dropped. */
static int append_dropped(PyObject *list, struct packet *packet)
{
	struct frame *frame = (struct frame *)packet;
	PyObject *values = Py_BuildValue("KiL", (unsigned long long)frame->number, (int)packet->verdict,
		(long long)packet->end);
	int status = values ? PyList_Append(list, values) : -1;

	Py_XDECREF(values);
	free(frame);
	return status;
}

static PyObject *half_type_dropped(PyObject *object, PyObject *ignored)
{
	struct half *half = ((HalfObject *)object)->half;
	PyObject *list = PyList_New(0);
	struct packet *packet;

	(void)ignored;
	while (list && (packet = half_dropped(half)))
		if (append_dropped(list, packet))
			Py_CLEAR(list);
	return list;
}

static PyObject *half_type_next_due(PyObject *object, PyObject *ignored)
{
	(void)ignored;
	return PyLong_FromLongLong(half_next_due(((HalfObject *)object)->half));
}

static PyObject *half_type_now(PyObject *object, PyObject *ignored)
{
	(void)ignored;
	return PyLong_FromLongLong(half_now(((HalfObject *)object)->half));
}

static PyObject *half_type_gauges(PyObject *object, PyObject *ignored)
{
	struct half_gauges gauges;

	(void)ignored;
	half_gauges(((HalfObject *)object)->half, &gauges);
	return Py_BuildValue("LLLk", (long long)gauges.queue_bytes, (long long)gauges.queue_packets,
		(long long)gauges.in_flight_packets, (unsigned long)gauges.row);
}

static PyObject *half_type_aqm_ppm(PyObject *object, PyObject *ignored)
{
	struct half_gauges gauges;

	(void)ignored;
	half_gauges(((HalfObject *)object)->half, &gauges);
	return PyLong_FromLongLong(gauges.aqm_ppm);
}

static PyObject *half_type_aqm_average(PyObject *object, PyObject *ignored)
{
	struct half_gauges gauges;

	(void)ignored;
	half_gauges(((HalfObject *)object)->half, &gauges);
	return PyLong_FromLongLong(gauges.aqm_average_bytes);
}

static PyObject *half_type_overdue(PyObject *object, PyObject *value)
{
	int64_t at, packets = 0, oldest = 0;

	if (time_from_python(value, "at", &at))
		return NULL;
	half_overdue(((HalfObject *)object)->half, at, &packets, &oldest);
	return Py_BuildValue("LL", (long long)packets, (long long)oldest);
}

static PyMethodDef half_methods[] = {
	{"arm", half_type_arm, METH_O, "arm(t0): scenario time starts at t0 (ns)."},
	{"change", half_type_change, METH_VARARGS, "change(at, arguments): goes over to other rows, the same until at (ns)."},
	{"advance", half_type_advance, METH_O, "advance(now): brings virtual time to now (ns)."},
	{"arrive", half_type_arrive, METH_VARARGS,
		"arrive(at, length, ecn=0, flow=0) -> (verdict, arrival as the model saw it in ns)."},
	{"marked", half_type_marked, METH_NOARGS, "marked() -> (how many the queue marked, numbers of those popped)."},
	{"corrupted", half_type_corrupted, METH_NOARGS, "corrupted() -> [(number, place)] of all that were popped corrupt."},
	{"dropped", half_type_dropped, METH_NOARGS, "dropped() -> [(number, verdict, when)], what was dropped inside."},
	{"pop", half_type_pop, METH_O, "pop(now) -> [(number, arrival, start, end, due)], all frames due by now (ns)."},
	{"next_due", half_type_next_due, METH_NOARGS, "next_due() -> a time (ns) before which nothing becomes due."},
	{"overdue", half_type_overdue, METH_O, "overdue(at) -> (how many in flight are due by at, when the first was)."},
	{"now", half_type_now, METH_NOARGS, "now() -> virtual time (ns)."},
	{"aqm_ppm", half_type_aqm_ppm, METH_NOARGS, "aqm_ppm() -> with which probability the queue drops or marks."},
	{"aqm_average", half_type_aqm_average, METH_NOARGS, "aqm_average() -> the queue's average length in bytes."},
	{"gauges", half_type_gauges, METH_NOARGS, "gauges() -> (queue bytes, queue packets, packets in flight, row)."},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot half_slots[] = {
	{Py_tp_doc, "One direction of an emulated link in virtual time; see _core.pyi."},
	{Py_tp_new, half_type_new},
	{Py_tp_dealloc, half_type_dealloc},
	{Py_tp_methods, half_methods},
	{0, NULL},
};

static PyType_Spec half_spec = {
	.name = "plctl.agent.native._core.Half",
	.basicsize = sizeof(HalfObject),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = half_slots,
};

int half_type_add(PyObject *module)
{
	PyObject *type = PyType_FromModuleAndSpec(module, &half_spec, NULL);
	int status = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;

	Py_XDECREF(type);
	return status;
}
