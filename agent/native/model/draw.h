/*
 * Random numbers by counting: what is drawn for the nth frame and a purpose depends on the key alone, not on what else was
 * drawn. Philox-4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
 */
#ifndef PLCTL_DRAW_H
#define PLCTL_DRAW_H

#include <stdint.h>

/* What a number is drawn for. Never renumber: a run repeated with the same seed would meet other fates. */
enum purpose {
	PURPOSE_QUEUE = 0,
	PURPOSE_FLOW = 1, /* the hash of a frame's flow */
	PURPOSE_LOSS = 2,
	PURPOSE_CORRUPTION = 3,
	PURPOSE_DUPLICATION = 4,
	PURPOSE_JITTER = 5,
};

struct draw {
	uint32_t words[4]; /* each uniform on 0 ... 2^32 - 1, independent of the others */
};

/* One block of the generator: ten rounds on the counter under the key. */
static inline struct draw philox(const uint32_t counter[4], uint64_t key)
{
	uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
	uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);

	for (int round = 0; round < 10; round++) {
		uint64_t left = UINT64_C(0xD2511F53) * a, right = UINT64_C(0xCD9E8D57) * c;

		a = (uint32_t)(right >> 32) ^ b ^ low;
		b = (uint32_t)right;
		c = (uint32_t)(left >> 32) ^ d ^ high;
		d = (uint32_t)left;
		low += UINT32_C(0x9E3779B9);
		high += UINT32_C(0xBB67AE85);
	}
	return (struct draw){{a, b, c, d}};
}

/* The numbers for the nth frame of a direction, whose key is `key`, and one purpose. */
static inline struct draw draw(uint64_t key, enum purpose purpose, uint64_t n)
{
	return philox((const uint32_t[4]){(uint32_t)n, (uint32_t)(n >> 32), purpose, 0}, key);
}

#endif
