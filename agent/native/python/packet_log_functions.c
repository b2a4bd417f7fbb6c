/* The Python face of packet_log.h: the agent's reading of a log that it shares with the forwarder. */
#include <string.h>

#include "python/forwarder_type.h"
#include "shared/packet_log.h"

/* The ring of `direction` (0 up, 1 down) in a writable buffer; NULL with a Python exception set. */
static struct packet_ring *ring_in(const Py_buffer *buffer, int direction)
{
	if (buffer_refuse_unaligned(buffer))
		return NULL;
	if (buffer->len < (Py_ssize_t)sizeof(struct packet_log))
		PyErr_Format(PyExc_ValueError, "a packet log has %zu bytes, the buffer %zd", sizeof(struct packet_log),
			buffer->len);
	else if (direction != 0 && direction != 1)
		PyErr_Format(PyExc_ValueError, "direction is %d; legal is 0 (up) or 1 (down)", direction);
	else
		return &((struct packet_log *)buffer->buf)->rings[direction];
	return NULL;
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

static PyMethodDef functions[] = {
	{"packet_log_read", read_log, METH_VARARGS, NULL},
	{"packet_log_lost", lost_of_log, METH_VARARGS, NULL},
	{"packet_log_write", write_log, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int packet_log_functions_add(PyObject *module)
{
	if (PyModule_AddIntConstant(module, "PACKET_LOG_BYTES", sizeof(struct packet_log)) ||
	    PyModule_AddIntConstant(module, "PACKET_LOG_RECORDS", PACKET_LOG_RECORDS))
		return -1;
	return PyModule_AddFunctions(module, functions);
}
