/*
 * The sending half of an AF_XDP socket in copy mode: which of the chunks that were put into its transmit ring have left,
 * which are free again, and what becomes of those that the kernel did not take.
 *
 * The kernel takes entries only while we are in a system call for the socket: sendto(), and epoll, which drives sending,
 * too. What it took it copies, and posts the chunk to the completion ring when the copy is freed, which may be much later.
 * What it did not take (the interface is down, it holds too much already) stays in the ring, and would leave, late, at the
 * next such call. So these entries are withdrawn: made ones whose address is no chunk's, which every kernel skips. Kernels
 * differ in the rest:
 *
 *   - before 6.6 a call skips all such entries, since then one;
 *   - lately (in 6.18.44) they are posted to the completion ring like all others, before not;
 *   - lately each call shows what it took by the ring's consumer index, before only when it had taken everything: the
 *     kernel may have taken entries that we withdraw. All count those that they skipped.
 *
 * So the chunks of withdrawn entries stay lent until the kernel shows that it is through with the ring, and nothing is
 * sent before; then as many as it skipped, the last ones, are free. The others it had taken, and posts.
 */
#ifndef PLCTL_XDP_TRANSMIT_H
#define PLCTL_XDP_TRANSMIT_H

#include "io/port.h"
#include "io/umem.h"
#include "io/xdp_ring.h"

struct xdp_transmit {
	int socket;
	struct umem *umem;
	struct xdp_ring ring;
	struct xdp_ring completion;
	uint32_t withdrawn[PORT_BATCH]; /* chunks of withdrawn entries, in order */
	unsigned withdrawn_count;
	uint64_t skipped; /* entries, as the kernel counted them when last asked */
};

int xdp_transmit_open(struct xdp_transmit *transmit); /* makes the rings of its socket; 0 or an errno */
void xdp_transmit_close(struct xdp_transmit *transmit); /* one that was never opened, too, if it is all zero */

/*
 * Takes back what the kernel is done with. False: it does not let go of what was withdrawn, because the interface is down
 * or gone or it holds too much, so that nothing can be sent now.
 */
bool xdp_transmit_ready(struct xdp_transmit *transmit);

/* Puts a frame of `length` bytes into the ring and lends its chunk; false: no room is left. Only when ready. */
bool xdp_transmit_put(struct xdp_transmit *transmit, uint32_t chunk, uint32_t length);

/*
 * Has the kernel send the entries from `first` on: at most PORT_BATCH, all that were put since xdp_transmit_ready(). Bit i
 * of the result: entry first + i has left. No more calls than a few for each entry.
 */
uint64_t xdp_transmit_push(struct xdp_transmit *transmit, uint32_t first);

#endif
