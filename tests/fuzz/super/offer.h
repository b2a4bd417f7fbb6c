/*
 * What a stranger hands to the kernel in one piece: the next bytes of a flow of TCP or UDP, or anything. The kernel keeps its
 * promises: a partial checksum covers the pseudo-header, and what it says it has looked at is right.
 */
#ifndef PLCTL_OFFER_H
#define PLCTL_OFFER_H

#include <linux/virtio_net.h>
#include <stdint.h>

#include "harness.h"

struct offer {
	uint8_t *data; /* as it is on the wire, with a tag that the kernel takes out; to be freed by the caller */
	uint32_t length;
	uint32_t tag;
	struct virtio_net_hdr virtio;
};

struct flow { /* of one sender */
	uint32_t seq;
	uint16_t id;
};

/* The flow's next bytes. Bits of `which` < 8: IPv6, UDP, a VLAN tag that stays. */
void offer_flow(struct offer *offer, struct flow *flow, unsigned which, struct input *input);

/* Any bytes, with any virtio header, but for what a checksum promises. */
void offer_anything(struct offer *offer, struct input *input);

/* Puts a tag in that the kernel will take out: ethertype and TCI. The offer has an Ethernet header. */
void offer_tag(struct offer *offer, uint32_t tag);

#endif
