/* See xdp_program.h. By plain bpf(2) calls: no library, no compiler on the host. */
#include "io/xdp_program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(function) {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_##function}
#define EXIT {.code = BPF_JMP | BPF_EXIT}
#define COPY(to, from) {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)}
#define SET(to, value) {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value)}
#define ADD(to, value) {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (value)}
#define LOAD(to, from, field) \
	{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = (from), .off = offsetof(struct xdp_md, field)}
#define STORE_64(to, from) {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = (to), .src_reg = (from)}
#define SKIP_IF_NOT_ZERO(what, count) {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (what), .off = (count)}
#define SKIP_IF_GREATER(what, than, count) \
	{.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = (what), .src_reg = (than), .off = (count)}
#define MAP(to, descriptor) \
	{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = (to), .src_reg = BPF_PSEUDO_MAP_FD, .imm = (descriptor)}, {0}

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

/* A map from the number of a receive queue to the socket that gets what arrives there. */
static int make_map(int socket)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_XSKMAP, .key_size = sizeof(int), .value_size = sizeof(int), .max_entries = 1};
	int map = bpf(BPF_MAP_CREATE, &create), queue = 0, error;
	union bpf_attr update = {0};

	if (map < 0)
		return -errno;
	update.map_fd = map;
	update.key = (uintptr_t)&queue;
	update.value = (uintptr_t)&socket;
	if (bpf(BPF_MAP_UPDATE_ELEM, &update) == 0)
		return map;
	error = errno;
	close(map);
	return -error;
}

static int load(int map)
{
	const struct bpf_insn instructions[] = {
		COPY(BPF_REG_6, BPF_REG_1),
		SET(BPF_REG_2, -XDP_STAMP_BYTES), /* room for the stamp, which the kernel copies along with the frame */
		CALL(xdp_adjust_meta),
		SKIP_IF_NOT_ZERO(BPF_REG_0, 13), /* to the last two instructions */
		CALL(ktime_get_ns),
		LOAD(BPF_REG_1, BPF_REG_6, data_meta),
		LOAD(BPF_REG_2, BPF_REG_6, data),
		COPY(BPF_REG_3, BPF_REG_1),
		ADD(BPF_REG_3, XDP_STAMP_BYTES),
		SKIP_IF_GREATER(BPF_REG_3, BPF_REG_2, 7), /* it never is, but the verifier wants to see it */
		STORE_64(BPF_REG_1, BPF_REG_0),
		MAP(BPF_REG_1, map),
		LOAD(BPF_REG_2, BPF_REG_6, rx_queue_index),
		SET(BPF_REG_3, XDP_PASS), /* if no socket is there */
		CALL(redirect_map),
		EXIT,
		SET(BPF_REG_0, XDP_ABORTED),
		EXIT,
	};
	union bpf_attr attributes = {0};

	attributes.prog_type = BPF_PROG_TYPE_XDP;
	attributes.insns = (uintptr_t)instructions;
	attributes.insn_cnt = sizeof(instructions) / sizeof(instructions[0]);
	attributes.license = (uintptr_t)"Dual MIT/GPL";
	return bpf(BPF_PROG_LOAD, &attributes);
}

int xdp_program_attach(int index, int socket, int *link, const char **attempt)
{
	union bpf_attr attributes = {0};
	int map = make_map(socket), program, error;

	*attempt = "make the map of XDP sockets";
	if (map < 0)
		return -map;
	*attempt = "load the XDP program";
	program = load(map);
	error = errno;
	close(map); /* the program holds it, and the link the program */
	if (program < 0)
		return error;
	*attempt = "attach the XDP program";
	attributes.link_create.prog_fd = program;
	attributes.link_create.target_ifindex = index;
	attributes.link_create.attach_type = BPF_XDP;
	attributes.link_create.flags = XDP_FLAGS_SKB_MODE;
	*link = bpf(BPF_LINK_CREATE, &attributes);
	error = *link < 0 ? errno : 0;
	close(program);
	return error;
}
