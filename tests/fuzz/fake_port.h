/*
 * Two ports of a link whose kernel is made up: a test double of the kernel's side of the rings and of sendto(), sendmmsg()
 * and getsockopt(), for what cannot be had at will from the real one: each way in which sending fails, at any moment, and
 * what other kernels do. The back end is the product's own. fake_packet.c and fake_xdp.c each have all of this.
 */
#ifndef PLCTL_FAKE_PORT_H
#define PLCTL_FAKE_PORT_H

#include "harness.h"

void fake_ports_open(struct port *ports[2], struct pool *pool, struct budget *budget, struct input *input);

/* Requires that everything that the kernel was lent has come back; no frame is inside any more. */
void fake_ports_close(struct port *ports[2]);

/* A frame arrives, stamped `now`, its VLAN tag taken out; false: the ring is full, or it is longer than a slot. */
bool fake_arrive(struct port *port, const uint8_t *data, uint32_t length, uint32_t tag, int64_t now);

/* What happens to the interface, and what sending meets from now on, is the input's choice. */
void fake_happen(struct port *port, struct input *input);

/* Everything works, and the kernel frees what it holds; but an interface that is gone stays so. */
void fake_recover(struct port *port);

/* Whether port_send() says of each frame if it left; else only of how many, and of some that left that they did not. */
bool fake_is_exact(const struct port *port);

/* For what the fakes call, in frame_path.c: a frame has left by a port. */
void frame_left(const uint8_t *data, uint32_t length);

#endif
