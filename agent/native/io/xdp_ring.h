/*
 * One of the four rings that an AF_XDP socket shares with the kernel. One side produces entries, the other consumes them;
 * `own` is the index of the side that is ours. Names of options and structures: Documentation/networking/af_xdp.rst.
 */
#ifndef PLCTL_XDP_RING_H
#define PLCTL_XDP_RING_H

#include <linux/if_xdp.h>
#include <stddef.h>
#include <stdint.h>

struct xdp_ring {
	uint32_t *producer;
	uint32_t *consumer;
	void *entries;
	uint32_t mask; /* number of entries - 1 */
	uint32_t own;  /* ours, which the kernel sees after xdp_ring_produce() or xdp_ring_consume() */
	void *map;
	size_t map_bytes;
};

enum xdp_ring_kind { RING_FILL, RING_COMPLETION, RING_RECEIVE, RING_TRANSMIT };

/* Makes and maps a ring of at least `entries`; 0 or an errno. */
int xdp_ring_open(struct xdp_ring *ring, int socket, enum xdp_ring_kind kind, uint32_t entries);
void xdp_ring_close(struct xdp_ring *ring); /* one that was never opened, too, if it is all zero */

static inline uint64_t *xdp_ring_address(struct xdp_ring *ring, uint32_t index) /* of a fill or completion ring */
{
	return (uint64_t *)ring->entries + (index & ring->mask);
}

static inline struct xdp_desc *xdp_ring_desc(struct xdp_ring *ring, uint32_t index) /* of a receive or transmit ring */
{
	return (struct xdp_desc *)ring->entries + (index & ring->mask);
}

static inline uint32_t xdp_ring_filled(const struct xdp_ring *ring) /* entries that we may consume */
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - ring->own;
}

static inline uint32_t xdp_ring_room(const struct xdp_ring *ring) /* entries that we may produce */
{
	return ring->mask + 1 - (ring->own - __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE));
}

static inline void xdp_ring_produce(struct xdp_ring *ring) /* the kernel may consume all up to `own` */
{
	__atomic_store_n(ring->producer, ring->own, __ATOMIC_RELEASE);
}

static inline void xdp_ring_consume(struct xdp_ring *ring) /* the kernel may reuse all up to `own` */
{
	__atomic_store_n(ring->consumer, ring->own, __ATOMIC_RELEASE);
}

#endif
