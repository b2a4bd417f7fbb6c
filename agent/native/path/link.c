/* Makes and ends what lane.h describes: a link's two ports, two halves and its store of frames. */
#include <errno.h>
#include <stdlib.h>

#include "path/lane.h"

#define SLOT_LEAST_BYTES 2048 /* of a receive ring, for a frame ... */
#define SLOT_HEAD_BYTES 256   /* ... or its MTU, with room for all heads */
#define FLOOD_FRAME_NS 1000   /* no sender makes frames faster */

/* Each port is the way in of one lane and the way out of the other. */
static int open_ports(struct link *link, const struct link_config *config, char *how)
{
	struct ports_config ports_config = config->ports;
	struct port *ports[2] = {NULL, NULL};
	int error;

	ports_config.pool = link->pool;
	error = ports_open(&ports_config, ports, how);
	for (int i = 0; i < 2; i++)
		link->lanes[i].in = link->lanes[1 - i].out = ports[i];
	return error;
}

/* How long a flood takes to fill a quarter of a ring. */
static int64_t ring_ns(const struct ports_config *config)
{
	int64_t slot_bytes = larger(SLOT_LEAST_BYTES, config->mtu + SLOT_HEAD_BYTES);

	return (int64_t)config->ring_bytes / slot_bytes / 4 * FLOOD_FRAME_NS;
}

static int make_halves(struct link *link, const struct link_config *config, char *why)
{
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &link->lanes[i];
		struct half *half = half_new(&config->halves[i]);

		if (!half)
			return port_refuse(why, errno, "model the link in", config->ports.netns);
		lane_set_half(lane, half);
		lane->reads_headers = half_reads_headers(lane->half);
		lane->key = config->halves[i].key;
		lane->link = link;
		lane->stats = &link->stats->halves[i];
		lane->log = link->log ? &link->log->rings[i] : NULL;
		lane->capture = link->captures ? &link->captures[i] : NULL;
		lane->refresh_ns = lane->deadline_ns = TIME_NEVER;
		lane->ring_ns = ring_ns(&config->ports);
		grid_init(&lane->grid);
	}
	return 0;
}

static int fill(struct link *link, const struct link_config *config, char *why)
{
	int error;

	link->stats = config->stats;
	link->mtu = config->ports.mtu;
	link->overhead = config->overhead;
	link->patience = (struct patience){.most_ns = config->coalesce_ns};
	link->t0_ns = TIME_NEVER;
	stats_reset(link->stats);
	if (*config->packet_log && (error = packet_log_open(config->packet_log, &link->log, &link->captures)))
		return port_refuse(why, error, "log the packets of the link in", config->ports.netns);
	link->pool = pool_new(config->ports.budget);
	if (!link->pool)
		return port_refuse(why, ENOMEM, "store the frames of the link in", config->ports.netns);
	error = make_halves(link, config, why);
	return error ? error : open_ports(link, config, why);
}

static void dismantle(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		if (link->lanes[i].half)
			while (half_drain(link->lanes[i].half))
				; /* the frames end with the ports and the pool */
		half_free(link->lanes[i].half);
	}
	ports_close((struct port *const[2]){link->lanes[0].in, link->lanes[1].in});
	packet_log_close(link->log, link->captures);
	pool_free(link->pool);
	free(link);
}

int link_open(const struct link_config *config, struct link **out, char *how)
{
	struct link *link = calloc(1, sizeof(*link));
	int error;

	if (!link)
		return port_refuse(how, ENOMEM, "make the link in", config->ports.netns);
	error = fill(link, config, how);
	if (error)
		dismantle(link);
	else
		*out = link;
	return error;
}

void link_close(struct link *link)
{
	dismantle(link);
}
