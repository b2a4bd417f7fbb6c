/* See port.h: what the back ends share, and the choice between them. */
#include "io/port.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

int port_refuse(char *why, int error, const char *attempt, const char *where)
{
	snprintf(why, PORT_WHY_SIZE, "cannot %s %s: %s", attempt, where, strerror(error));
	return error;
}

int port_refuse_interface(char *why, int error, const char *attempt, const struct ports_config *config, int which)
{
	snprintf(why, PORT_WHY_SIZE, "cannot %s for %s in %s: %s", attempt, config->interfaces[which], config->netns,
		strerror(error));
	return error;
}

int ports_open(const struct ports_config *config, struct port *ports[2], char *how)
{
	char why[PORT_WHY_SIZE] = "";
	int error;

	if (config->io == PORT_IO_SUPER) {
		error = super_ports_open(config, ports, how);
		if (!error)
			snprintf(how, PORT_WHY_SIZE, "super-frames");
		return error;
	}
	if (config->io != PORT_IO_PACKET) {
		error = xdp_ports_open(config, ports, how);
		if (!error || config->io == PORT_IO_XDP)
			return error;
		memcpy(why, how, sizeof(why));
	}
	error = packet_ports_open(config, ports, how);
	if (!error)
		snprintf(how, PORT_WHY_SIZE, *why ? "packet (%.240s)" : "packet", why);
	return error;
}

static void *close_beside(void *port)
{
	port_close(port);
	return NULL;
}

void ports_close(struct port *const ports[2])
{
	pthread_t thread;
	bool beside = ports[0] && ports[1] && pthread_create(&thread, NULL, close_beside, ports[0]) == 0;

	if (!beside)
		port_close(ports[0]);
	port_close(ports[1]);
	if (beside)
		pthread_join(thread, NULL);
}
