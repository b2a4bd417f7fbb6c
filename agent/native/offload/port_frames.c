/* See port.h: what a port does with the bytes of a frame, whether they are copied or held. */
#include <arpa/inet.h>
#include <string.h>

#include "frames/headers.h"
#include "io/port.h"

/* With the VLAN tag in its place. */
static void copy(const struct arrival *arrival, uint8_t *bytes)
{
	uint32_t tag = htonl(arrival->tag);

	if (!arrival->tag) {
		memcpy(bytes, arrival->data, arrival->length);
		return;
	}
	memcpy(bytes, arrival->data, PORT_MAC_PAIR);
	memcpy(bytes + PORT_MAC_PAIR, &tag, PORT_VLAN_TAG);
	memcpy(bytes + PORT_MAC_PAIR + PORT_VLAN_TAG, arrival->data + PORT_MAC_PAIR,
		arrival->length - PORT_MAC_PAIR - PORT_VLAN_TAG);
}

void port_keep(const struct port *port, const struct arrival *arrival, struct frame *frame)
{
	if (!port->back_end->segments) /* else it has been held since it was taken */
		copy(arrival, frame->data);
}

void port_show(const struct port *port, const struct arrival *arrival, struct frame *frame)
{
	if (port->back_end->segments)
		port->back_end->segments->show(arrival, frame);
	else
		copy(arrival, frame->data);
}

const uint8_t *port_bytes(const struct port *port, const struct frame *frame, uint8_t *scratch)
{
	return port->back_end->segments ? port->back_end->segments->bytes(frame, scratch) : frame->data;
}

struct frame *port_copy(struct port *port, const struct frame *original)
{
	struct frame *made;

	if (port->back_end->segments) {
		made = port->back_end->segments->copy(port, original);
	} else {
		made = port->back_end->take_room(port, original->length);
		if (made)
			memcpy(made->data, original->data, original->length);
	}
	if (made) {
		made->number = original->number;
		made->moved_ns = original->moved_ns;
	}
	return made;
}

void port_mark_ce(const struct port *port, struct frame *frame)
{
	if (!port->back_end->segments) /* else whoever makes its header sees that it is marked */
		headers_mark_ce(frame->data, frame->length);
}

void port_corrupt(struct port *port, struct frame *frame, uint32_t bit)
{
	if (port->back_end->segments)
		port->back_end->segments->corrupt(port, frame, bit);
	else if (frame->length > PORT_ETHERNET_HEAD)
		frame->data[PORT_ETHERNET_HEAD + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}
