/* See device.h. */
#include "device.h"

#include <netinet/in.h>
#include <string.h>

enum { FIN_PSH = 0x09, CWR = 0x80 };

static uint32_t get(const uint8_t *at, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

static void put(uint8_t *at, unsigned bytes, uint32_t value)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> 8 * bytes);
}

uint16_t device_sum(const uint8_t *data, uint32_t length, uint32_t sum)
{
	uint64_t all = sum;

	for (uint32_t i = 0; i < length; i++)
		all += i % 2 ? data[i] : (uint64_t)data[i] << 8;
	while (all >> 16)
		all = (all & 0xffff) + (all >> 16);
	return (uint16_t)all;
}

uint16_t device_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t bytes)
{
	return ip[0] >> 4 == 4 ? device_sum(ip + 12, 8, protocol + bytes) : device_sum(ip + 8, 32, protocol + bytes);
}

static uint32_t network_of(const uint8_t *data)
{
	uint32_t at = 12;

	while (get(data + at, 2) == 0x8100 || get(data + at, 2) == 0x88a8 || get(data + at, 2) == 0x9100)
		at += 4;
	return at + 2;
}

static bool is_tcp(const struct virtio_net_hdr *virtio)
{
	return virtio->gso_type != VIRTIO_NET_HDR_GSO_UDP_L4;
}

static uint32_t head_of(const uint8_t *data, const struct virtio_net_hdr *virtio)
{
	return virtio->csum_start + (is_tcp(virtio) ? (data[virtio->csum_start + 12] >> 4) * 4u : 8);
}

uint32_t device_count(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio)
{
	uint32_t payload;

	if (virtio->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return 1;
	payload = length - head_of(data, virtio);
	return payload ? (payload + virtio->gso_size - 1) / virtio->gso_size : 1;
}

static void complete(uint8_t *out, uint32_t length, uint32_t start, uint32_t offset, uint16_t zero)
{
	uint16_t sum = (uint16_t)~device_sum(out + start, length - start, 0);

	put(out + start + offset, 2, sum ? sum : zero);
}

static void mend_network(uint8_t *out, uint32_t length, uint32_t i)
{
	uint8_t *ip = out + network_of(out);
	uint32_t bytes = length - (uint32_t)(ip - out), head = (ip[0] & 15u) * 4;

	if (ip[0] >> 4 == 6) {
		put(ip + 4, 2, bytes - 40);
		return;
	}
	put(ip + 2, 2, bytes);
	put(ip + 4, 2, get(ip + 4, 2) + i);
	put(ip + 10, 2, 0);
	put(ip + 10, 2, (uint16_t)~device_sum(ip, head, 0));
}

uint32_t device_segment(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio, uint32_t i, uint16_t zero,
	uint8_t *out)
{
	uint32_t count = device_count(data, length, virtio), start = virtio->csum_start, offset = virtio->csum_offset;
	uint32_t head, payload, whole = length - start;

	if (count == 1) {
		memcpy(out, data, length);
		if (virtio->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			complete(out, length, start, offset, zero);
		return length;
	}
	head = head_of(data, virtio);
	payload = i + 1 < count ? virtio->gso_size : length - head - i * virtio->gso_size;
	memcpy(out, data, head);
	memcpy(out + head, data + head + i * virtio->gso_size, payload);
	length = head + payload;
	mend_network(out, length, i);
	if (is_tcp(virtio)) {
		put(out + start + 4, 4, get(out + start + 4, 4) + i * virtio->gso_size);
		out[start + 13] &= (uint8_t)~((i + 1 < count ? FIN_PSH : 0) | (i ? CWR : 0));
	} else {
		put(out + start + 4, 2, length - start);
	}
	put(out + start + offset, 2, device_sum(out + start + offset, 2, (uint16_t)~device_sum((uint8_t[]){(uint8_t)(whole >> 8),
		(uint8_t)whole}, 2, 0) + length - start));
	complete(out, length, start, offset, zero);
	return length;
}
