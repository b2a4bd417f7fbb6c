/* The Internet checksum (RFC 1071), as sums that have not been complemented yet. */
#ifndef PLCTL_CHECKSUM_H
#define PLCTL_CHECKSUM_H

#include <stdint.h>

/* A sum, folded to 16 bits. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* a - b in one's complement. */
static inline uint16_t checksum_less(uint16_t a, uint16_t b)
{
	return checksum_fold((uint32_t)a + (uint16_t)~b);
}

/* The sum of 16-bit words in network order, the last padded with zero. */
static inline uint64_t checksum_add(uint64_t sum, const uint8_t *data, uint32_t length)
{
	uint32_t i;

	for (i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	return i < length ? sum + ((uint32_t)data[i] << 8) : sum;
}

#endif
