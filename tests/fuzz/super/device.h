/*
 * What a network card makes of a super-frame: its segments, as they are on the wire. Written from what the kernel documents
 * (Documentation/networking/segmentation-offloads.rst, linux/virtio_net.h), with nothing of the product's in it.
 */
#ifndef PLCTL_DEVICE_H
#define PLCTL_DEVICE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* How many segments a frame is. */
uint32_t device_count(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio);

/*
 * Segment i < device_count() into out, which has room for the frame; its length. A checksum that the device completes and
 * that comes to 0 is `zero`: devices differ in that.
 */
uint32_t device_segment(const uint8_t *data, uint32_t length, const struct virtio_net_hdr *virtio, uint32_t i, uint16_t zero,
	uint8_t *out);

/* The sum of a pseudo-header: what the sender leaves where the device is to complete a checksum. */
uint16_t device_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t bytes);

uint16_t device_sum(const uint8_t *data, uint32_t length, uint32_t sum); /* folded, not complemented */

#endif
