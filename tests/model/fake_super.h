/* Ports for super-frames whose sockets are memory. */
#ifndef PLCTL_FAKE_SUPER_H
#define PLCTL_FAKE_SUPER_H

#include "io/port.h"

struct port *fake_super_port(struct pool *pool, uint32_t longest); /* at most two at a time */
void fake_super_arrive(struct port *port, int64_t stamp_ns, const uint8_t *data, uint32_t length, const uint8_t *virtio);
uint32_t fake_super_take(struct port *port, uint8_t *data, uint8_t *virtio); /* the next that was sent; 0: there is none */

#endif
