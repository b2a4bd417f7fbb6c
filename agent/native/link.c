/* Makes and ends what lane.h describes: a link's two ports, two halves and its store of frames. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane.h"

static int refuse(int error, const char *attempt, const char *where, char *why, size_t size)
{
	snprintf(why, size, "cannot %s %s: %s", attempt, where, strerror(error));
	return error;
}

/* Each port is the way in of one lane and the way out of the other. */
static int open_ports(struct link *link, const struct link_config *config, char *why, size_t size)
{
	struct port *ports[2] = {NULL, NULL};
	int sockets[2], error = port_sockets(config->netns, sockets);
	const char *attempt;
	char where[160];

	if (error)
		return refuse(error, "open packet sockets in", config->netns, why, size);
	for (int i = 0; i < 2 && !error; i++) {
		error = port_open(sockets[i], config->interfaces[i], config->mtu, config->ring_bytes, &ports[i], &attempt);
		if (error) {
			snprintf(where, sizeof(where), "for %s in %s", config->interfaces[i], config->netns);
			refuse(error, attempt, where, why, size);
			if (i == 0)
				close(sockets[1]);
		}
		link->lanes[i].in = link->lanes[1 - i].out = ports[i];
	}
	return error;
}

static int make_halves(struct link *link, const struct link_config *config, char *why, size_t size)
{
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &link->lanes[i];

		lane->half = half_new(&config->halves[i]);
		if (!lane->half)
			return refuse(errno, "model the link in", config->netns, why, size);
		lane->rows = config->halves[i].rows;
		lane->link = link;
		lane->stats = &link->stats->halves[i];
		lane->refresh_ns = lane->deadline_ns = TIME_NEVER;
	}
	return 0;
}

static int fill(struct link *link, const struct link_config *config, char *why, size_t size)
{
	int error;

	link->stats = config->stats;
	link->mtu = config->mtu;
	link->overhead = config->overhead;
	link->t0_ns = TIME_NEVER;
	stats_reset(link->stats);
	link->pool = pool_new(config->budget);
	if (!link->pool)
		return refuse(ENOMEM, "store the frames of the link in", config->netns, why, size);
	error = make_halves(link, config, why, size);
	return error ? error : open_ports(link, config, why, size);
}

static void dismantle(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		port_close(link->lanes[i].in);
		if (link->lanes[i].half)
			while (half_drain(link->lanes[i].half))
				; /* the frames end with the pool */
		half_free(link->lanes[i].half);
	}
	pool_free(link->pool);
	free(link);
}

int link_open(const struct link_config *config, struct link **out, char *why, size_t size)
{
	struct link *link = calloc(1, sizeof(*link));
	int error;

	if (!link)
		return refuse(ENOMEM, "make the link in", config->netns, why, size);
	error = fill(link, config, why, size);
	if (error)
		dismantle(link);
	else
		*out = link;
	return error;
}

void link_close(struct link *link)
{
	const struct row *rows[2] = {link->lanes[0].rows, link->lanes[1].rows};

	dismantle(link);
	free((void *)rows[0]);
	free((void *)rows[1]);
}
