/*
 * The Python type Forwarder: slots for links, and the workers that serve them. Links are made, given to a worker and
 * ended without the GIL; a slot that a thread is busy with refuses every other.
 */
#include "python/forwarder_type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "python/forwarder_object.h"
#include "python/rows.h"

#define MTU_MIN 68
#define MTU_MAX 9216
#define OVERHEAD_MAX 4096
#define COALESCE_MAX_NS (NS_PER_S / 100)
#define BYTES_MAX ((Py_ssize_t)1 << 40)
#define WHY_SIZE PORT_WHY_SIZE

PyObject *raise_os_error(int error, const char *why)
{
	PyObject *arguments = Py_BuildValue("(is)", error, why);

	if (arguments)
		PyErr_SetObject(PyExc_OSError, arguments);
	Py_XDECREF(arguments);
	return NULL;
}

/* Beginning and end */

static int map_stats(ForwarderObject *self, int descriptor)
{
	struct stat status;
	size_t size = stats_bytes(self->slot_count);

	if (fstat(descriptor, &status) < 0 || (uint64_t)status.st_size < size) {
		PyErr_Format(PyExc_ValueError, "descriptor %d does not hold stats_size(%zd) bytes", descriptor, self->slot_count);
		return -1;
	}
	self->stats = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	if (self->stats != MAP_FAILED)
		return 0;
	self->stats = NULL;
	raise_os_error(errno, "cannot map the memory for statistics");
	return -1;
}

static int start_worker(ForwarderObject *self, PyObject *tuple)
{
	struct worker_config config;
	char why[WHY_SIZE];
	int error;

	if (worker_config_from_python(tuple, &config))
		return -1;
	error = worker_start(&config, &self->stats->workers[self->worker_count], &self->workers[self->worker_count]);
	if (!error) {
		self->worker_count++;
		return 0;
	}
	if (config.priority.cpu < 0)
		snprintf(why, sizeof(why), "cannot start a worker thread: %s", strerror(error));
	else
		snprintf(why, sizeof(why), "cannot start a worker thread on CPU %d: %s", config.priority.cpu, strerror(error));
	raise_os_error(error, why);
	return -1;
}

static int start_workers(ForwarderObject *self, PyObject *configs)
{
	Py_ssize_t count = PyTuple_Size(configs);

	self->workers = calloc(count, sizeof(struct worker *));
	self->slots = calloc(self->slot_count, sizeof(*self->slots));
	if (!self->workers || !self->slots) {
		PyErr_NoMemory();
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++)
		if (start_worker(self, PyTuple_GetItem(configs, i)))
			return -1;
	return 0;
}

static PyObject *forwarder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *keywords[] = {"stats", "slots", "workers", "budget_bytes", NULL};
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	ForwarderObject *self;
	PyObject *workers;
	Py_ssize_t slots;
	long long budget;
	int descriptor;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$inO!L:Forwarder", keywords, &descriptor, &slots, &PyTuple_Type,
		    &workers, &budget))
		return NULL;
	if (slots < 1 || slots > SLOTS_MAX || PyTuple_Size(workers) < 1 || PyTuple_Size(workers) > WORKERS_MAX || budget < 0)
		return PyErr_Format(PyExc_ValueError, "a Forwarder has 1 to %d slots, 1 to %d workers and 0 bytes or more",
			SLOTS_MAX, WORKERS_MAX);
	self = (ForwarderObject *)alloc(type, 0);
	if (!self)
		return NULL;
	self->slot_count = slots;
	self->budget.left_bytes = budget;
	pthread_mutex_init(&self->arming, NULL);
	if (map_stats(self, descriptor) || start_workers(self, workers)) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void shut_down(ForwarderObject *self)
{
	for (Py_ssize_t i = 0; i < self->worker_count; i++)
		worker_stop(self->workers[i]);
	self->worker_count = 0;
	for (Py_ssize_t i = 0; self->slots && i < self->slot_count; i++) {
		if (self->slots[i].link)
			link_close(self->slots[i].link);
		self->slots[i].link = NULL;
	}
}

static void forwarder_dealloc(PyObject *object)
{
	ForwarderObject *self = (ForwarderObject *)object;
	PyTypeObject *type = Py_TYPE(object);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	shut_down(self);
	pthread_mutex_destroy(&self->arming);
	if (self->stats)
		munmap(self->stats, stats_bytes(self->slot_count));
	free(self->slots);
	free(self->workers);
	release(object);
	Py_DECREF(type);
}

/* Slots: everything here runs with the GIL */

static struct slot *find_slot(ForwarderObject *self, Py_ssize_t index)
{
	if (!self->worker_count) {
		PyErr_SetString(PyExc_ValueError, "the forwarder is closed");
		return NULL;
	}
	if (index < 0 || index >= self->slot_count) {
		PyErr_Format(PyExc_ValueError, "slot is %zd; the forwarder has slots 0 to %zd", index, self->slot_count - 1);
		return NULL;
	}
	if (self->slots[index].busy) {
		PyErr_Format(PyExc_ValueError, "slot %zd is in use by another thread", index);
		return NULL;
	}
	return &self->slots[index];
}

struct slot *claim_link(ForwarderObject *self, Py_ssize_t index)
{
	struct slot *slot = find_slot(self, index);

	if (!slot)
		return NULL;
	if (!slot->link) {
		PyErr_Format(PyExc_ValueError, "slot %zd has no link", index);
		return NULL;
	}
	slot->busy = true;
	return slot;
}

static struct slot *claim_free(ForwarderObject *self, Py_ssize_t index)
{
	struct slot *slot = find_slot(self, index);

	if (!slot)
		return NULL;
	if (slot->link) {
		PyErr_Format(PyExc_ValueError, "slot %zd has a link already", index);
		return NULL;
	}
	slot->busy = true;
	slot->number = self->next_worker;
	slot->worker = self->workers[self->next_worker];
	self->next_worker = (self->next_worker + 1) % self->worker_count;
	return slot;
}

/* Methods */

static int io_from_name(const char *name, enum port_io *io)
{
	static const char *const names[] = {[PORT_IO_AUTO] = "auto", [PORT_IO_PACKET] = "packet", [PORT_IO_XDP] = "xdp",
		[PORT_IO_SUPER] = "super"};

	for (int i = 0; i < 4; i++)
		if (!strcmp(name, names[i])) {
			*io = i;
			return 0;
		}
	PyErr_Format(PyExc_ValueError, "io is '%s'; legal is auto, packet, xdp or super", name);
	return -1;
}

static int check_link(unsigned long mtu, unsigned long overhead, Py_ssize_t ring_bytes, Py_ssize_t store_bytes)
{
	if (mtu < MTU_MIN || mtu > MTU_MAX)
		PyErr_Format(PyExc_ValueError, "mtu is %lu; legal is %d to %d bytes", mtu, MTU_MIN, MTU_MAX);
	else if (overhead > OVERHEAD_MAX)
		PyErr_Format(PyExc_ValueError, "overhead_bytes is %lu; legal is 0 to %d", overhead, OVERHEAD_MAX);
	else if (ring_bytes < 1 || ring_bytes > BYTES_MAX)
		PyErr_Format(PyExc_ValueError, "ring_bytes is %zd; legal is 1 to %zd", ring_bytes, BYTES_MAX);
	else if (store_bytes < 0 || store_bytes > BYTES_MAX)
		PyErr_Format(PyExc_ValueError, "store_bytes is %zd; legal is 0 to %zd", store_bytes, BYTES_MAX);
	else
		return 0;
	return -1;
}

static int check_coalesce(long long ns)
{
	if (ns >= 0 && ns <= COALESCE_MAX_NS)
		return 0;
	PyErr_Format(PyExc_ValueError, "coalesce_ns is %lld; legal is 0 to %lld", ns, (long long)COALESCE_MAX_NS);
	return -1;
}

/* Without the GIL. */
static int open_link(struct slot *slot, const struct link_config *config, char *how)
{
	int error = link_open(config, &slot->link, how);

	if (error)
		return error;
	stats_store(&config->stats->worker, slot->number);
	error = worker_add(slot->worker, slot->link);
	if (!error)
		return 0;
	port_refuse(how, error, "watch the ports in", config->ports.netns);
	link_close(slot->link);
	slot->link = NULL;
	return error;
}

/* Ends the configs of the halves: the link has what it needs of them. */
static PyObject *add_link(ForwarderObject *self, Py_ssize_t index, struct link_config *config)
{
	struct slot *slot = claim_free(self, index);
	char how[WHY_SIZE];
	int error = 0;

	if (slot) {
		config->ports.budget = &self->budget;
		config->stats = &self->stats->links[index];
		Py_BEGIN_ALLOW_THREADS
		error = open_link(slot, config, how);
		Py_END_ALLOW_THREADS
		slot->busy = false;
	}
	half_config_end(&config->halves[0]);
	half_config_end(&config->halves[1]);
	if (!slot)
		return NULL;
	return error ? raise_os_error(error, how) : PyUnicode_FromString(how);
}

static PyObject *forwarder_add(PyObject *object, PyObject *args, PyObject *kwargs)
{
	static char *keywords[] = {"slot", "netns", "interfaces", "up", "down", "mtu", "overhead_bytes", "ring_bytes",
		"store_bytes", "io", "coalesce_ns", "packet_log", NULL};
	struct link_config config = {0};
	PyObject *up, *down;
	Py_ssize_t index, ring_bytes, store_bytes;
	unsigned long mtu, overhead;
	long long coalesce_ns;
	const char *io;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n$s(ss)OOkknnsLs:add", keywords, &index, &config.ports.netns,
		    &config.ports.interfaces[0], &config.ports.interfaces[1], &up, &down, &mtu, &overhead, &ring_bytes,
		    &store_bytes, &io, &coalesce_ns, &config.packet_log))
		return NULL;
	if (check_link(mtu, overhead, ring_bytes, store_bytes) || check_coalesce(coalesce_ns) || io_from_name(io, &config.ports.io) ||
	    half_config_from_python(up, &config.halves[0]))
		return NULL;
	if (half_config_from_python(down, &config.halves[1])) {
		half_config_end(&config.halves[0]);
		return NULL;
	}
	config.ports.mtu = mtu;
	config.overhead = overhead;
	config.coalesce_ns = coalesce_ns;
	config.ports.ring_bytes = ring_bytes;
	config.ports.store_bytes = store_bytes;
	return add_link((ForwarderObject *)object, index, &config);
}

static PyObject *forwarder_remove(PyObject *object, PyObject *args)
{
	struct slot *slot;
	Py_ssize_t index;

	if (!PyArg_ParseTuple(args, "n:remove", &index) || !(slot = claim_link((ForwarderObject *)object, index)))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	worker_remove(slot->worker, slot->link);
	link_close(slot->link);
	slot->link = NULL;
	Py_END_ALLOW_THREADS
	slot->busy = false;
	Py_RETURN_NONE;
}

static PyObject *forwarder_trigger(PyObject *object, PyObject *args)
{
	enum trigger trigger;
	struct slot *slot;
	Py_ssize_t index;
	const char *name;
	int error;

	if (!PyArg_ParseTuple(args, "ns:trigger", &index, &name))
		return NULL;
	if (trigger_from_name(name, &trigger) || !(slot = claim_link((ForwarderObject *)object, index)))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	error = worker_trigger(slot->worker, slot->link, trigger);
	Py_END_ALLOW_THREADS
	slot->busy = false;
	if (error)
		return raise_os_error(error, "cannot wait for a first frame: the link is armed, or has started already");
	Py_RETURN_NONE;
}

/* What each worker asked for and did not get: see _core.pyi. */
static PyObject *forwarder_workers(PyObject *object, PyObject *unused)
{
	ForwarderObject *self = (ForwarderObject *)object;
	PyObject *list = PyList_New(self->worker_count);

	(void)unused;
	for (Py_ssize_t i = 0; list && i < self->worker_count; i++) {
		const struct priority *got = worker_priority(self->workers[i]);
		PyObject *item = Py_BuildValue("(iii)", (int)got->thread, got->nice_error, got->real_time_error);

		if (!item || PyList_SetItem(list, i, item))
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *forwarder_close(PyObject *object, PyObject *unused)
{
	ForwarderObject *self = (ForwarderObject *)object;

	(void)unused;
	if (self->calls)
		return PyErr_Format(PyExc_ValueError, "the forwarder is in use by another thread");
	for (Py_ssize_t i = 0; i < self->slot_count; i++)
		if (self->slots[i].busy)
			return PyErr_Format(PyExc_ValueError, "slot %zd is in use by another thread", i);
	shut_down(self); /* with the GIL: no thread may claim a slot meanwhile */
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"add", (PyCFunction)(void (*)(void))forwarder_add, METH_VARARGS | METH_KEYWORDS, NULL},
	{"arm", forwarder_arm, METH_VARARGS, NULL},
	{"change", forwarder_change, METH_VARARGS, NULL},
	{"trigger", forwarder_trigger, METH_VARARGS, NULL},
	{"remove", forwarder_remove, METH_VARARGS, NULL},
	{"watch", forwarder_watch, METH_VARARGS, NULL},
	{"note", forwarder_note, METH_VARARGS, NULL},
	{"settle", forwarder_settle, METH_VARARGS, NULL},
	{"workers", forwarder_workers, METH_NOARGS, NULL},
	{"close", forwarder_close, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot type_slots[] = {
	{Py_tp_doc, "Forwards the frames of many links; see _core.pyi."},
	{Py_tp_new, forwarder_new},
	{Py_tp_dealloc, forwarder_dealloc},
	{Py_tp_methods, methods},
	{0, NULL},
};

static PyType_Spec type_spec = {
	.name = "plctl.agent.native._core.Forwarder",
	.basicsize = sizeof(ForwarderObject),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = type_slots,
};

int forwarder_type_add(PyObject *module)
{
	PyObject *type = PyType_FromSpec(&type_spec);
	int result = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;

	Py_XDECREF(type);
	return result;
}
