/* See xdp_ring.h. */
#include "io/xdp_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const struct {
	int option;
	off_t page_offset;
	size_t entry_bytes;
} kinds[] = {
	[RING_FILL] = {XDP_UMEM_FILL_RING, XDP_UMEM_PGOFF_FILL_RING, sizeof(uint64_t)},
	[RING_COMPLETION] = {XDP_UMEM_COMPLETION_RING, XDP_UMEM_PGOFF_COMPLETION_RING, sizeof(uint64_t)},
	[RING_RECEIVE] = {XDP_RX_RING, XDP_PGOFF_RX_RING, sizeof(struct xdp_desc)},
	[RING_TRANSMIT] = {XDP_TX_RING, XDP_PGOFF_TX_RING, sizeof(struct xdp_desc)},
};

static const struct xdp_ring_offset *offsets_of(const struct xdp_mmap_offsets *all, enum xdp_ring_kind kind)
{
	switch (kind) {
	case RING_FILL:
		return &all->fr;
	case RING_COMPLETION:
		return &all->cr;
	case RING_RECEIVE:
		return &all->rx;
	case RING_TRANSMIT:
		return &all->tx;
	}
	return NULL;
}

int xdp_ring_open(struct xdp_ring *ring, int socket, enum xdp_ring_kind kind, uint32_t entries)
{
	const struct xdp_ring_offset *offset;
	struct xdp_mmap_offsets offsets;
	socklen_t length = sizeof(offsets);
	uint32_t size = 1;
	void *map;

	while (size < entries)
		size *= 2;
	if (setsockopt(socket, SOL_XDP, kinds[kind].option, &size, sizeof(size)) < 0)
		return errno;
	if (getsockopt(socket, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) < 0)
		return errno;
	offset = offsets_of(&offsets, kind);
	ring->map_bytes = offset->desc + size * kinds[kind].entry_bytes;
	map = mmap(NULL, ring->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket, kinds[kind].page_offset);
	if (map == MAP_FAILED)
		return errno;
	ring->map = map;
	ring->mask = size - 1;
	ring->producer = (uint32_t *)((uint8_t *)map + offset->producer);
	ring->consumer = (uint32_t *)((uint8_t *)map + offset->consumer);
	ring->entries = (uint8_t *)map + offset->desc;
	return 0;
}

void xdp_ring_close(struct xdp_ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->map_bytes);
	memset(ring, 0, sizeof(*ring));
}
