/* For tests whose ports are memory: nothing real is opened. */
#include <errno.h>

#include "io/port.h"

int packet_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}

int xdp_ports_open(const struct ports_config *config, struct port *ports[2], char *why)
{
	(void)ports;
	return port_refuse(why, ENOSYS, "open anything real in", config->netns);
}
