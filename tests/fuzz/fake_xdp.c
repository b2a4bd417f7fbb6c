/* See fake_port.h: the rings of AF_XDP sockets, and sendto() in copy mode, as kernels of several ages have it. */
#include "io/xdp_port.c"
#include "io/xdp_transmit.c"

#include <stdio.h>

#include "fake_port.h"

#define CHUNK_BYTES 2048
#define RECEIVE_FRAMES 8
#define WAITING_FRAMES 24
#define OUTCOMES 64
#define ENTRIES_A_CALL 32

/* What was the same until the next of these, and what they changed; see xdp_transmit.h. */
enum age {
	AGE_EMPTY_FRAMES,  /* before 6.6: frames of no bytes are sent; a call skips all invalid entries */
	AGE_ONE_A_CALL,    /* since 6.6: a call skips one; addresses are posted in the order of sending */
	AGE_SHOWS,         /* in 6.18: a call that has sent shows what it took; posted in the order of completion again */
	AGE_POSTS_INVALID, /* in 6.18.44: skipped entries are posted, too; every call shows what it took */
	AGES,
};

enum outcome { SENT, HELD, DROPPED, BUSY, NO_MEMORY, NO_BUFFERS, GOES_DOWN, GOES_AWAY, FAKE_OUTCOMES };

struct fake_xdp {
	struct xdp_port own;
	enum age age;
	bool down;
	bool gone;
	uint32_t produced; /* of the transmit ring, as the kernel last saw it ... */
	uint32_t taken;    /* ... and as far as it has taken them */
	uint64_t invalid;
	uint64_t held[COMPLETION_ENTRIES]; /* addresses that are yet to be posted */
	unsigned held_count;
	unsigned completion_entries; /* fewer than there are: the ring is full sooner */
	uint8_t outcomes[OUTCOMES];  /* that the next frames meet */
	unsigned outcome_count;
	uint64_t overruns;
};

static struct fake_xdp *fakes[2];

static uint64_t no_overruns(struct port *port)
{
	(void)port;
	return 0;
}

static unsigned nothing_arrived(struct port *port, struct arrival *batch)
{
	(void)port;
	(void)batch;
	return 0;
}

static void release_nothing(struct port *port, const struct arrival *batch, unsigned count)
{
	(void)port;
	(void)batch;
	REQUIRE(!count);
}

static const struct port_back_end strays_back_end = {
	.new_overruns = no_overruns, .receive = nothing_arrived, .release = release_nothing};
static struct port no_strays = {.back_end = &strays_back_end};

/* Sending */

static void post(struct fake_xdp *fake, uint64_t address)
{
	struct xdp_ring *ring = &fake->own.transmit.completion;
	uint32_t producer = *ring->producer;

	REQUIRE(producer - *ring->consumer <= ring->mask);
	*xdp_ring_address(ring, producer) = address;
	__atomic_store_n(ring->producer, producer + 1, __ATOMIC_RELEASE);
}

/* A frame that was held is freed. */
static void complete(struct fake_xdp *fake, unsigned which)
{
	uint64_t address;

	if (fake->age == AGE_ONE_A_CALL)
		which = 0;
	address = fake->held[which];
	REQUIRE(umem_is_lent(fake->own.umem, address)); /* until now */
	memmove(&fake->held[which], &fake->held[which + 1], (--fake->held_count - which) * sizeof(fake->held[0]));
	post(fake, address);
}

static bool is_full(const struct fake_xdp *fake)
{
	const struct xdp_ring *ring = &fake->own.transmit.completion;

	return *ring->producer - *ring->consumer + fake->held_count >= fake->completion_entries;
}

static bool is_valid(const struct fake_xdp *fake, const struct xdp_desc *desc)
{
	const struct umem *umem = fake->own.umem;
	uint64_t end = desc->addr % umem->chunk_bytes + desc->len;

	if (!desc->len && fake->age > AGE_EMPTY_FRAMES)
		return false;
	return end <= umem->chunk_bytes && desc->addr < umem_bytes(umem) && !desc->options;
}

static void show(struct fake_xdp *fake)
{
	__atomic_store_n(fake->own.transmit.ring.consumer, fake->taken, __ATOMIC_RELEASE);
}

/* One valid entry; 0 or an errno. */
static int transmit(struct fake_xdp *fake, const struct xdp_desc *desc)
{
	enum outcome outcome = fake->outcome_count ? fake->outcomes[--fake->outcome_count] : SENT;

	if (outcome == BUSY || outcome == NO_MEMORY)
		return EAGAIN;
	if (outcome == NO_BUFFERS)
		return ENOBUFS;
	fake->taken++;
	fake->held[fake->held_count++] = desc->addr;
	if (outcome == SENT || outcome == HELD)
		frame_left(fake->own.umem->memory + desc->addr, desc->len);
	if (outcome != HELD)
		complete(fake, fake->held_count - 1);
	fake->down |= outcome == GOES_DOWN;
	fake->gone |= outcome == GOES_AWAY;
	return outcome == SENT || outcome == HELD ? 0 : EBUSY;
}

/* The entry is to be skipped; whether the call may go on. */
static bool skip(struct fake_xdp *fake, const struct xdp_desc *desc, int *error)
{
	*error = 0;
	if (fake->age == AGE_POSTS_INVALID) {
		if (is_full(fake)) {
			*error = EAGAIN;
			return false;
		}
		post(fake, desc->addr);
	}
	fake->invalid++;
	fake->taken++;
	return fake->age == AGE_EMPTY_FRAMES;
}

static int take_entries(struct fake_xdp *fake, bool *sent)
{
	const struct xdp_ring *ring = &fake->own.transmit.ring;
	int error = 0;

	for (int left = ENTRIES_A_CALL;;) {
		struct xdp_desc desc;

		if (fake->taken == fake->produced) {
			show(fake);
			fake->produced = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
			if (fake->taken == fake->produced)
				return error;
		}
		desc = ((struct xdp_desc *)ring->entries)[fake->taken & ring->mask];
		if (!is_valid(fake, &desc)) {
			if (!skip(fake, &desc, &error))
				return error;
			continue;
		}
		if (!left--)
			return EAGAIN;
		if (is_full(fake))
			return fake->age >= AGE_SHOWS ? EAGAIN : 0;
		error = transmit(fake, &desc);
		if (error)
			return error;
		*sent = true;
	}
}

static int drive(struct fake_xdp *fake)
{
	uint32_t before = fake->taken;
	bool sent = false;
	int error;

	if (fake->gone)
		return ENXIO;
	if (fake->down)
		return ENETDOWN;
	error = take_entries(fake, &sent);
	if ((fake->age == AGE_SHOWS && sent) || (fake->age == AGE_POSTS_INVALID && before != fake->taken))
		show(fake);
	return error;
}

static struct fake_xdp *fake_of(int socket)
{
	return fakes[-1 - socket];
}

ssize_t fuzz_sendto(int socket, const void *data, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
	int error = drive(fake_of(socket));

	REQUIRE(!data && !length && flags == MSG_DONTWAIT && !to && !size);
	errno = error;
	return error ? -1 : 0;
}

int fuzz_getsockopt(int socket, int level, int option, void *value, socklen_t *length)
{
	struct fake_xdp *fake = fake_of(socket);
	struct xdp_statistics *statistics = value;

	REQUIRE(level == SOL_XDP && option == XDP_STATISTICS && *length == sizeof(*statistics));
	*statistics = (struct xdp_statistics){.tx_invalid_descs = fake->invalid, .rx_dropped = fake->overruns};
	return 0;
}

/* Opening and closing */

static void make_ring(struct xdp_ring *ring, uint32_t entries, size_t entry_bytes)
{
	ring->producer = calloc(1, sizeof(*ring->producer));
	ring->consumer = calloc(1, sizeof(*ring->consumer));
	ring->entries = calloc(entries, entry_bytes);
	ring->mask = entries - 1;
}

static void free_ring(struct xdp_ring *ring)
{
	free(ring->producer);
	free(ring->consumer);
	free(ring->entries);
}

static struct port *fake_port(int number, struct pool *pool, struct umem *umem, enum age age)
{
	struct fake_xdp *fake = calloc(1, sizeof(*fake));
	struct xdp_port *self = &fake->own;

	umem->users++;
	self->port = (struct port){.back_end = &back_end, .socket = -1 - number, .pool = pool, .longest = FAKE_LONGEST};
	self->port.strays = &no_strays;
	self->umem = self->transmit.umem = umem;
	self->transmit.socket = self->port.socket;
	make_ring(&self->fill, RECEIVE_FRAMES, sizeof(uint64_t));
	make_ring(&self->receive, RECEIVE_FRAMES, sizeof(struct xdp_desc));
	make_ring(&self->transmit.completion, COMPLETION_ENTRIES, sizeof(uint64_t));
	make_ring(&self->transmit.ring, TRANSMIT_ENTRIES, sizeof(struct xdp_desc));
	for (unsigned i = 0; i < RECEIVE_FRAMES; i++)
		put_into_fill_ring(self, umem_take(umem));
	xdp_ring_produce(&self->fill);
	fake->completion_entries = COMPLETION_ENTRIES;
	fake->age = age;
	fakes[number] = fake;
	return &self->port;
}

void fake_ports_open(struct port *ports[2], struct pool *pool, struct budget *budget, struct input *input)
{
	struct umem *umem = umem_new(budget, CHUNK_BYTES, 2 * RECEIVE_FRAMES + WAITING_FRAMES + RESERVE, WAITING_FRAMES);
	enum age age = take(input, 1) % AGES;

	REQUIRE(umem);
	for (int i = 0; i < 2; i++)
		ports[i] = fake_port(i, pool, umem, age);
	umem_release(umem);
}

static void close_fake(struct fake_xdp *fake)
{
	free_ring(&fake->own.fill);
	free_ring(&fake->own.receive);
	free_ring(&fake->own.transmit.completion);
	free_ring(&fake->own.transmit.ring);
	umem_release(fake->own.umem);
	free(fake);
}

void fake_ports_close(struct port *ports[2])
{
	const struct umem *umem = fakes[0]->own.umem;
	uint32_t lent = 0, stuck = 0;

	for (int i = 0; i < 2; i++) {
		fake_recover(ports[i]);
		REQUIRE(!ports[i]->back_end->send(ports[i], NULL, 0));
		REQUIRE(fakes[i]->gone || !fakes[i]->own.transmit.withdrawn_count);
		stuck += fakes[i]->own.transmit.withdrawn_count;
	}
	for (uint32_t chunk = 0; chunk < umem->chunks; chunk++)
		lent += umem->owners[chunk] == CHUNK_LENT;
	REQUIRE(lent <= stuck && umem->free_count + lent + 2 * RECEIVE_FRAMES == umem->chunks);
	for (int i = 0; i < 2; i++)
		close_fake(fakes[i]);
}

/* What happens */

bool fake_arrive(struct port *port, const uint8_t *data, uint32_t length, uint32_t tag, int64_t now)
{
	struct fake_xdp *fake = (struct fake_xdp *)port;
	struct xdp_ring *fill = &fake->own.fill, *receive = &fake->own.receive;
	struct xdp_desc *desc = xdp_ring_desc(receive, *receive->producer);
	uint64_t address;

	(void)tag;
	if (fake->down || fake->gone)
		return false;
	if (*fill->producer == *fill->consumer || length > CHUNK_BYTES - UMEM_HEADROOM) {
		fake->overruns++;
		return false;
	}
	address = *xdp_ring_address(fill, (*fill->consumer)++);
	REQUIRE(address % CHUNK_BYTES == 0 && *receive->producer - *receive->consumer < RECEIVE_FRAMES);
	*desc = (struct xdp_desc){.addr = address + UMEM_HEADROOM, .len = length};
	memcpy(fake->own.umem->memory + desc->addr - XDP_STAMP_BYTES, &now, sizeof(now));
	memcpy(fake->own.umem->memory + desc->addr, data, length);
	__atomic_store_n(receive->producer, *receive->producer + 1, __ATOMIC_RELEASE);
	return true;
}

void fake_happen(struct port *port, struct input *input)
{
	struct fake_xdp *fake = (struct fake_xdp *)port;
	uint8_t what = (uint8_t)take(input, 1);

	if (what < 16) {
		fake->down = true;
	} else if (what < 48) {
		fake->down = false;
	} else if (what == 48) {
		fake->gone = true;
	} else if (what < 64) {
		drive(fake); /* as epoll does */
	} else if (what < 96) {
		for (unsigned i = what - 64 + 1; i && fake->held_count; i--)
			complete(fake, take(input, 1) % fake->held_count);
	} else if (what < 112) {
		fake->completion_entries = 1 + take(input, 1) * 4;
	} else {
		for (fake->outcome_count = 0; fake->outcome_count < what % OUTCOMES && input->at < input->end;)
			fake->outcomes[fake->outcome_count++] = take(input, 1) % FAKE_OUTCOMES;
	}
}

void fake_recover(struct port *port)
{
	struct fake_xdp *fake = (struct fake_xdp *)port;

	fake->down = false;
	fake->outcome_count = 0;
	fake->completion_entries = COMPLETION_ENTRIES;
	while (fake->held_count)
		complete(fake, 0);
}

bool fake_is_exact(const struct port *port)
{
	return ((const struct fake_xdp *)port)->age >= AGE_SHOWS;
}

int packet_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}

int super_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}
