/* What the room `frames` does with the bytes of frames, as Python functions: so that it can be held to the kernel and to a reference. */
#include <string.h>

#include "python/forwarder_type.h"
#include "frames/headers.h"
#include "frames/super_frame.h"
#include "model/packet.h"

#define FRAME_MOST_BYTES 70000 /* more than IP has */

static PyObject *read_headers(PyObject *module, PyObject *args)
{
	struct packet packet = {0};
	unsigned long long key;
	Py_buffer frame;

	(void)module;
	if (!PyArg_ParseTuple(args, "y*K:read_headers", &frame, &key))
		return NULL;
	headers_read(frame.buf, (uint32_t)frame.len, key, &packet);
	PyBuffer_Release(&frame);
	return Py_BuildValue("BI", packet.ecn, packet.flow);
}

static PyObject *mark_ce(PyObject *module, PyObject *args)
{
	Py_buffer frame;

	(void)module;
	if (!PyArg_ParseTuple(args, "w*:mark_ce", &frame))
		return NULL;
	headers_mark_ce(frame.buf, (uint32_t)frame.len);
	PyBuffer_Release(&frame);
	Py_RETURN_NONE;
}

/* Of a tuple (data, virtio header): the segments, and the data, borrowed; false with an exception set. */
static bool read_frame(PyObject *tuple, struct segments *segments, const uint8_t **data)
{
	struct virtio_net_hdr virtio;
	const char *bytes, *header;
	Py_ssize_t length, header_length;

	if (!PyTuple_Check(tuple) || !PyArg_ParseTuple(tuple, "y#y#:frame", &bytes, &length, &header, &header_length)) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_TypeError, "a frame is a tuple of its data and its virtio header");
		return false;
	}
	if (length > FRAME_MOST_BYTES || (header_length && header_length != sizeof(virtio))) {
		PyErr_SetString(PyExc_ValueError, "a frame has at most 70000 bytes, its virtio header none or ten");
		return false;
	}
	memcpy(&virtio, header, (size_t)header_length);
	*data = (const uint8_t *)bytes;
	if (segments_read(*data, (uint32_t)length, header_length ? &virtio : NULL, segments))
		return true;
	PyErr_SetString(PyExc_ValueError, "headers and virtio header of the super-frame contradict each other");
	return false;
}

static PyObject *read_segments(PyObject *module, PyObject *args)
{
	struct segments found;
	const uint8_t *data;
	PyObject *tuple;
	int tag;

	(void)module;
	if (!PyArg_ParseTuple(args, "Op:read_segments", &tuple, &tag) || !read_frame(tuple, &found, &data))
		return NULL;
	if (tag)
		segments_insert_tag(&found);
	return Py_BuildValue("{sBsIsIsIsIsIsHsHsNsN}", "kind", found.kind, "count", found.count, "size", found.size, "head",
		found.head, "network", found.network, "transport", found.transport, "csum_start", found.csum_start, "csum_offset",
		found.csum_offset, "partial", PyBool_FromLong(found.partial), "trusted", PyBool_FromLong(found.trusted));
}

static PyObject *cut_segment(PyObject *module, PyObject *args)
{
	static uint8_t frame[FRAME_MOST_BYTES];
	struct segments found;
	const uint8_t *data;
	unsigned index;
	PyObject *tuple;
	int ce;

	(void)module;
	if (!PyArg_ParseTuple(args, "OIp:cut_segment", &tuple, &index, &ce) || !read_frame(tuple, &found, &data))
		return NULL;
	if (index >= found.count)
		return PyErr_Format(PyExc_ValueError, "segment %u of %u", index, found.count);
	return PyBytes_FromStringAndSize((char *)frame, segments_cut(&found, data, index, ce, frame));
}

/* What has been put together of segments so far. */
struct joining {
	struct segments *segments; /* of each frame */
	const uint8_t **data;
	Py_ssize_t frames;
	struct super_frame super;
	uint8_t payload[FRAME_MOST_BYTES];
	PyObject *joined; /* (frame, virtio header) of each that is done */
};

static int finish(struct joining *self)
{
	struct virtio_net_hdr virtio;
	static uint8_t frame[FRAME_MOST_BYTES];
	uint32_t head = super_frame_write(&self->super, frame, &virtio);
	PyObject *item;
	int failed;

	memcpy(frame + head, self->payload, self->super.payload);
	item = Py_BuildValue("y#y#", (char *)frame, (Py_ssize_t)(head + self->super.payload), (char *)&virtio,
		(Py_ssize_t)sizeof(virtio));
	failed = !item || PyList_Append(self->joined, item);
	Py_XDECREF(item);
	return failed ? -1 : 0;
}

/* The next segment, (index of the frame, index within, whether it is marked), goes where it can. */
static int join(struct joining *self, PyObject *tuple)
{
	Py_ssize_t frame;
	unsigned index;
	uint32_t before;
	int ce;

	if (!PyArg_ParseTuple(tuple, "nIp:segment", &frame, &index, &ce))
		return -1;
	if (frame < 0 || frame >= self->frames || index >= self->segments[frame].count) {
		PyErr_SetString(PyExc_ValueError, "there is no such segment");
		return -1;
	}
	before = self->super.payload;
	if (!self->super.count || !super_frame_add(&self->super, &self->segments[frame], self->data[frame], index, ce)) {
		if (self->super.count && finish(self))
			return -1;
		super_frame_begin(&self->super, &self->segments[frame], self->data[frame], index, ce);
		before = 0;
	}
	memcpy(self->payload + before, self->data[frame] + segments_payload_at(&self->segments[frame], index),
		segments_payload(&self->segments[frame], index));
	return 0;
}

static int join_all(struct joining *self, PyObject *frames, PyObject *chosen)
{
	for (self->frames = 0; self->frames < PyTuple_Size(frames); self->frames++)
		if (!read_frame(PyTuple_GetItem(frames, self->frames), &self->segments[self->frames], &self->data[self->frames]))
			return -1;
	for (Py_ssize_t i = 0; i < PyTuple_Size(chosen); i++)
		if (join(self, PyTuple_GetItem(chosen, i)))
			return -1;
	return self->super.count ? finish(self) : 0;
}

static PyObject *join_segments(PyObject *module, PyObject *args)
{
	static struct joining self;
	PyObject *frames, *chosen;
	size_t count;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!O!:join_segments", &PyTuple_Type, &frames, &PyTuple_Type, &chosen))
		return NULL;
	count = (size_t)PyTuple_Size(frames) + 1;
	self = (struct joining){.segments = PyMem_Calloc(count, sizeof(*self.segments)),
		.data = PyMem_Calloc(count, sizeof(*self.data)), .joined = PyList_New(0)};
	if (!self.segments || !self.data || !self.joined)
		PyErr_NoMemory();
	if (PyErr_Occurred() || join_all(&self, frames, chosen))
		Py_CLEAR(self.joined);
	PyMem_Free(self.segments);
	PyMem_Free(self.data);
	return self.joined;
}

static PyMethodDef functions[] = {
	{"read_headers", read_headers, METH_VARARGS, NULL},
	{"mark_ce", mark_ce, METH_VARARGS, NULL},
	{"read_segments", read_segments, METH_VARARGS, NULL},
	{"cut_segment", cut_segment, METH_VARARGS, NULL},
	{"join_segments", join_segments, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

int frames_functions_add(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
