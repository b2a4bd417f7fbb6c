/* The eBPF programs that bpf links (tcx) hang on an interface: neither tc nor route netlink shows them. */
#ifndef PLCTL_TC_PROGRAMS_H
#define PLCTL_TC_PROGRAMS_H

enum tc_side { TC_INGRESS, TC_EGRESS };

/*
 * Counts those on one side of the interface numbered `index` in the calling thread's network namespace. Returns 0 or an
 * errno. Before Linux 6.6 there are none.
 */
int tc_programs_count(int index, enum tc_side side, unsigned *count);

#endif
