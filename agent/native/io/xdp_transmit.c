/* See xdp_transmit.h. */
#include "io/xdp_transmit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define TRANSMIT_ENTRIES (2 * PORT_BATCH) /* a batch, and one before it that the kernel took but does not yet show */
#define COMPLETION_ENTRIES 1024           /* frames that the kernel may hold before it takes no more */
#define ATTEMPTS 4                        /* in a row in which the kernel takes nothing */
#define NO_CHUNK UINT64_MAX               /* as an address */

int xdp_transmit_open(struct xdp_transmit *transmit)
{
	int error = xdp_ring_open(&transmit->completion, transmit->socket, RING_COMPLETION, COMPLETION_ENTRIES);

	return error ? error : xdp_ring_open(&transmit->ring, transmit->socket, RING_TRANSMIT, TRANSMIT_ENTRIES);
}

void xdp_transmit_close(struct xdp_transmit *transmit)
{
	xdp_ring_close(&transmit->completion);
	xdp_ring_close(&transmit->ring);
}

static uint32_t shown(const struct xdp_transmit *transmit)
{
	return __atomic_load_n(transmit->ring.consumer, __ATOMIC_ACQUIRE);
}

/* Has the kernel take entries; 0 or an errno. */
static int call_kernel(const struct xdp_transmit *transmit)
{
	return sendto(transmit->socket, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? errno : 0;
}

static void take_back_completed(struct xdp_transmit *transmit)
{
	struct xdp_ring *ring = &transmit->completion;

	for (uint32_t count = xdp_ring_filled(ring); count; count--)
		umem_take_back(transmit->umem, *xdp_ring_address(ring, ring->own++));
	xdp_ring_consume(ring);
}

/* The kernel is through with the ring: of what was withdrawn, it had taken some before; the rest it has skipped. */
static void take_back_withdrawn(struct xdp_transmit *transmit)
{
	struct xdp_statistics statistics = {0};
	socklen_t length = sizeof(statistics);
	uint64_t skipped;

	if (getsockopt(transmit->socket, SOL_XDP, XDP_STATISTICS, &statistics, &length) < 0)
		statistics.tx_invalid_descs = transmit->skipped; /* then they stay lent: nothing is as safe */
	skipped = statistics.tx_invalid_descs - transmit->skipped;
	transmit->skipped = statistics.tx_invalid_descs;
	for (; transmit->withdrawn_count && skipped; skipped--)
		umem_take_back(transmit->umem,
			umem_address(transmit->umem, transmit->withdrawn[--transmit->withdrawn_count]));
	transmit->withdrawn_count = 0;
}

bool xdp_transmit_ready(struct xdp_transmit *transmit)
{
	unsigned calls = transmit->withdrawn_count + 2; /* one an entry, one to notice the end, one to show it */

	take_back_completed(transmit);
	if (!transmit->withdrawn_count)
		return true;
	while (shown(transmit) != transmit->ring.own)
		if (!calls-- || call_kernel(transmit))
			return false;
	take_back_completed(transmit);
	take_back_withdrawn(transmit);
	return true;
}

bool xdp_transmit_put(struct xdp_transmit *transmit, uint32_t chunk, uint32_t length)
{
	uint64_t address = umem_address(transmit->umem, chunk) + UMEM_HEADROOM;

	INVARIANT(!transmit->withdrawn_count);
	if (!xdp_ring_room(&transmit->ring))
		return false;
	umem_lend(transmit->umem, chunk);
	*xdp_ring_desc(&transmit->ring, transmit->ring.own++) = (struct xdp_desc){.addr = address, .len = length};
	return true;
}

static uint64_t bits(uint32_t first, uint32_t from, uint32_t until)
{
	uint64_t set = 0;

	for (; from != until; from++)
		set |= UINT64_C(1) << (from - first);
	return set;
}

/*
 * Withdraws entries from `position` on, but for those that the kernel has taken without showing it and has even posted;
 * returns where the withdrawn ones begin.
 */
static uint32_t withdraw(struct xdp_transmit *transmit, uint32_t position)
{
	uint32_t begin = transmit->ring.own;

	take_back_completed(transmit);
	while (begin != position && umem_is_lent(transmit->umem, xdp_ring_desc(&transmit->ring, begin - 1)->addr))
		begin--;
	for (position = begin; position != transmit->ring.own; position++) {
		struct xdp_desc *desc = xdp_ring_desc(&transmit->ring, position);

		transmit->withdrawn[transmit->withdrawn_count++] = (uint32_t)umem_chunk(transmit->umem, desc->addr);
		*desc = (struct xdp_desc){.addr = NO_CHUNK}; /* and no option: one says that a packet goes on in the next entry */
	}
	return begin;
}

/*
 * A call ends early when the kernel has sent its fill (EAGAIN), or has dropped a frame (EBUSY): the last one that it
 * took, if it shows that it has taken any, or else the first. No further one helps when the interface is down or gone.
 */
uint64_t xdp_transmit_push(struct xdp_transmit *transmit, uint32_t first)
{
	uint32_t position = first;
	uint64_t left = 0;
	int error = 0;

	INVARIANT(transmit->ring.own - first <= PORT_BATCH);
	xdp_ring_produce(&transmit->ring);
	for (int idle = 0; position != transmit->ring.own && idle < ATTEMPTS && error != ENETDOWN && error != ENXIO; idle++) {
		uint32_t taken;

		error = call_kernel(transmit);
		taken = shown(transmit);
		if ((int32_t)(taken - position) > 0) {
			left |= bits(first, position, taken - (error == EBUSY));
			position = taken;
		} else if (error == EBUSY) {
			position++;
		} else {
			continue;
		}
		idle = -1;
	}
	if (position != transmit->ring.own)
		left |= bits(first, position, withdraw(transmit, position));
	take_back_completed(transmit);
	return left;
}
