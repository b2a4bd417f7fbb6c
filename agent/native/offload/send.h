/* Segments that leave: those that the receiver's kernel would have put together leave as one super-frame, without a copy. */
#ifndef PLCTL_OFFLOAD_SEND_H
#define PLCTL_OFFLOAD_SEND_H

#include "io/port.h"

struct super_send; /* memory for one call */

struct super_send *super_send_new(void); /* NULL: there is no memory; free() ends it */

/* Sends frames that held_segment() made by a packet socket with virtio headers; the frames stay the caller's. */
void super_send(struct super_send *self, int socket, struct frame *const *frames, unsigned count, struct sent *sent);

#endif
