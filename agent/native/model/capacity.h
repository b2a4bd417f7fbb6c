/* How much a direction's bottleneck holds, which may change with each row. */
#ifndef PLCTL_CAPACITY_H
#define PLCTL_CAPACITY_H

#include "model/half.h"

/* The room of the row's queue and service together: the row's own, else as configured. */
struct room capacity_room(const struct half_config *config, const struct row *row);

#endif
