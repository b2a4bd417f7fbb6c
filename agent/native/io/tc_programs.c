/* See tc_programs.h. */
#include "io/tc_programs.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

/* enum bpf_attach_type; the headers of older kernels lack them. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47

int tc_programs_count(int index, enum tc_side side, unsigned *count)
{
	union bpf_attr attributes = {0};

	attributes.query.target_fd = index; /* for an interface it is its number */
	attributes.query.attach_type = side == TC_INGRESS ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
	*count = 0;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof(attributes)) < 0)
		return errno == ENOENT || errno == EINVAL || errno == ENOSYS ? 0 : errno; /* none, or no such thing */
	*count = attributes.query.prog_cnt;
	return 0;
}
