/* The eBPF program that hands every frame arriving on an interface to an AF_XDP socket, stamped with the time. */
#ifndef PLCTL_XDP_PROGRAM_H
#define PLCTL_XDP_PROGRAM_H

#define XDP_STAMP_BYTES 8 /* right before each frame: int64_t, CLOCK_MONOTONIC in nanoseconds */

/*
 * Attaches the program to the interface numbered `index` in the calling thread's network namespace, which has one receive
 * queue; `socket` is bound to it. It stays attached while *link is open, and so ends with the process. Returns 0 or an
 * errno; *attempt says in a few words what the kernel refused.
 *
 * In generic mode, behind the driver. In a veth's driver the program would need a queue of 256 frames before it, whose
 * overflow the kernel counts only at the sender's end, where we do not see it; and it was slower.
 */
int xdp_program_attach(int index, int socket, int *link, const char **attempt);

#endif
