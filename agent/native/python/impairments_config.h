/* From a dict of Python's to what a half does to frames behind the bottleneck. */
#ifndef PLCTL_IMPAIRMENTS_CONFIG_H
#define PLCTL_IMPAIRMENTS_CONFIG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "model/impairments.h"

/*
 * A dict with the keys loss_model ("bernoulli", "burst", "gilbert-elliott", "pattern", "list"), loss_p, loss_r, loss_good,
 * loss_bad (parts per 10^9), loss_pattern (a sequence of such), loss_listed (pairs of first and last), distribution and
 * normal (bytes of int32), correlation (in 2^-32), correlation_time_ns, reorder and duplicate_delay_ns, all of them
 * required, into *config. Returns 0 and the caller ends it with impairments_config_end(), or -1 with a Python exception set.
 */
int impairments_config_from_python(PyObject *dict, struct impairments_config *config);
void impairments_config_end(struct impairments_config *config);

#endif
