/* The Python face of packet_log.h: the agent's reading of a log that it shares with the forwarder. */
#include <string.h>

#include "python/forwarder_type.h"
#include "shared/packet_log.h"

/* Whether a writable buffer has `size` bytes of a log and `direction` is 0 (up) or 1 (down); else with a Python exception. */
static bool is_log(const Py_buffer *buffer, size_t size, int direction)
{
	if (buffer_refuse_unaligned(buffer))
		return false;
	if (buffer->len < (Py_ssize_t)size)
		PyErr_Format(PyExc_ValueError, "a packet log has %zu bytes, the buffer %zd", size, buffer->len);
	else if (direction != 0 && direction != 1)
		PyErr_Format(PyExc_ValueError, "direction is %d; legal is 0 (up) or 1 (down)", direction);
	else
		return true;
	return false;
}

/* The ring of `direction`; NULL with a Python exception set. */
static struct packet_ring *ring_in(const Py_buffer *buffer, int direction)
{
	return is_log(buffer, sizeof(struct packet_log), direction) ?
		&((struct packet_log *)buffer->buf)->rings[direction] : NULL;
}

/* The ring of first bytes of `direction`, likewise. */
static struct capture_ring *capture_in(const Py_buffer *buffer, int direction)
{
	return is_log(buffer, sizeof(struct capturing_log), direction) ?
		&((struct capturing_log *)buffer->buf)->captures[direction] : NULL;
}

static PyObject *take(struct packet_ring *ring, Py_ssize_t most)
{
	size_t room = most < PACKET_LOG_RECORDS ? most : PACKET_LOG_RECORDS;
	struct packet_record *records = PyMem_Malloc(room * sizeof(*records) + 1);
	PyObject *taken;

	if (!records)
		return PyErr_NoMemory();
	taken = PyBytes_FromStringAndSize((char *)records, packet_log_read(ring, records, room) * sizeof(*records));
	PyMem_Free(records);
	return taken;
}

static PyObject *read_log(PyObject *module, PyObject *args)
{
	struct packet_ring *ring;
	PyObject *result = NULL;
	Py_buffer buffer;
	Py_ssize_t most;
	int direction;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*in:packet_log_read", &buffer, &direction, &most))
		return NULL;
	ring = ring_in(&buffer, direction);
	if (ring && most < 0)
		PyErr_Format(PyExc_ValueError, "most is %zd; it must be 0 or more", most);
	else if (ring)
		result = take(ring, most);
	PyBuffer_Release(&buffer);
	return result;
}

static PyObject *lost_of_log(PyObject *module, PyObject *args)
{
	struct packet_ring *ring;
	PyObject *result = NULL;
	Py_buffer buffer;
	int direction;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*i:packet_log_lost", &buffer, &direction))
		return NULL;
	ring = ring_in(&buffer, direction);
	if (ring)
		result = PyLong_FromUnsignedLongLong(packet_log_lost(ring));
	PyBuffer_Release(&buffer);
	return result;
}

static PyObject *write_log(PyObject *module, PyObject *args)
{
	struct packet_record record;
	struct packet_ring *ring;
	Py_buffer buffer, data;
	PyObject *result = NULL;
	int direction;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*iy*:packet_log_write", &buffer, &direction, &data))
		return NULL;
	ring = ring_in(&buffer, direction);
	if (ring && data.len != sizeof(record)) {
		PyErr_Format(PyExc_ValueError, "a record has %zu bytes, this one %zd", sizeof(record), data.len);
	} else if (ring) {
		memcpy(&record, data.buf, sizeof(record));
		packet_log_write(ring, &record);
		result = Py_NewRef(Py_None);
	}
	PyBuffer_Release(&data);
	PyBuffer_Release(&buffer);
	return result;
}

static PyObject *set_capture(PyObject *module, PyObject *args)
{
	Py_buffer buffer;
	unsigned int most;
	bool fits;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*I:capture_set", &buffer, &most))
		return NULL;
	fits = capture_in(&buffer, 0);
	for (int direction = 0; fits && direction < 2; direction++)
		capture_in(&buffer, direction)->most = most;
	PyBuffer_Release(&buffer);
	return fits ? Py_NewRef(Py_None) : NULL;
}

/* The next `size` bytes of the ring. */
static PyObject *take_bytes(struct capture_ring *capture, size_t size)
{
	PyObject *taken = size <= CAPTURE_BYTES ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size) : NULL;

	if (!taken && PyErr_Occurred())
		return NULL;
	if (taken && capture_read(capture, (uint8_t *)PyBytes_AsString(taken), size))
		return taken;
	Py_XDECREF(taken);
	return PyErr_Format(PyExc_ValueError, "these records have %zu bytes, which the ring does not hold", size);
}

static PyObject *read_capture(PyObject *module, PyObject *args)
{
	struct capture_ring *capture;
	Py_buffer buffer, data;
	PyObject *result = NULL;
	int direction;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*iy*:capture_read", &buffer, &direction, &data))
		return NULL;
	capture = capture_in(&buffer, direction);
	if (capture && buffer_refuse_unaligned(&data))
		capture = NULL;
	if (capture && data.len % (Py_ssize_t)sizeof(struct packet_record))
		PyErr_Format(PyExc_ValueError, "a record has %zu bytes, these have %zd", sizeof(struct packet_record), data.len);
	else if (capture)
		result = take_bytes(capture, capture_size(capture, data.buf, data.len / sizeof(struct packet_record)));
	PyBuffer_Release(&data);
	PyBuffer_Release(&buffer);
	return result;
}

static PyObject *lost_of_capture(PyObject *module, PyObject *args)
{
	struct capture_ring *capture;
	PyObject *result = NULL;
	Py_buffer buffer;
	int direction;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*i:capture_lost", &buffer, &direction))
		return NULL;
	capture = capture_in(&buffer, direction);
	if (capture)
		result = PyLong_FromUnsignedLongLong(capture_lost(capture));
	PyBuffer_Release(&buffer);
	return result;
}

static PyObject *write_capture(PyObject *module, PyObject *args)
{
	struct capture_ring *capture;
	struct packet_ring *ring;
	Py_buffer buffer, data;
	PyObject *result = NULL;
	unsigned int ahead;
	int direction;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*iIy*:capture_write", &buffer, &direction, &ahead, &data))
		return NULL;
	capture = capture_in(&buffer, direction);
	ring = capture ? ring_in(&buffer, direction) : NULL;
	if (ring)
		result = PyLong_FromLong(capture_write(capture, ring, ahead, data.buf, (uint32_t)data.len));
	PyBuffer_Release(&data);
	PyBuffer_Release(&buffer);
	return result;
}

static PyMethodDef functions[] = {
	{"packet_log_read", read_log, METH_VARARGS, NULL},
	{"packet_log_lost", lost_of_log, METH_VARARGS, NULL},
	{"packet_log_write", write_log, METH_VARARGS, NULL},
	{"capture_set", set_capture, METH_VARARGS, NULL},
	{"capture_read", read_capture, METH_VARARGS, NULL},
	{"capture_lost", lost_of_capture, METH_VARARGS, NULL},
	{"capture_write", write_capture, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int packet_log_functions_add(PyObject *module)
{
	if (PyModule_AddIntConstant(module, "PACKET_LOG_BYTES", sizeof(struct packet_log)) ||
	    PyModule_AddIntConstant(module, "PACKET_LOG_RECORDS", PACKET_LOG_RECORDS) ||
	    PyModule_AddIntConstant(module, "CAPTURING_LOG_BYTES", sizeof(struct capturing_log)) ||
	    PyModule_AddIntConstant(module, "CAPTURE_BYTES", CAPTURE_BYTES))
		return -1;
	return PyModule_AddFunctions(module, functions);
}
