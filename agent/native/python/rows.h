/*
 * From Python objects to what the link model takes: integers, rows and whole configurations.
 *
 * Shared by every type that owns a half. Each function returns 0, or -1 with a Python exception set whose sentence names
 * the argument: TypeError for the wrong kind of object, ValueError for a value out of its range.
 */
#ifndef PLCTL_ROWS_H
#define PLCTL_ROWS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "model/half.h"

/* `what` is the argument's name in messages. */
int int64_from_python(PyObject *value, const char *what, int64_t *out);

PyObject *dict_get(PyObject *dict, const char *key); /* borrowed; NULL with a Python exception set: it is missing */

/*
 * A sequence of 5-tuples of int (time_ns, delay_ns, rate_bps, queue_bytes, route) into a new array. The caller ends the
 * array's life with free(). Only the conversion is checked here; half_config_check() knows the rules between rows.
 */
int rows_from_python(PyObject *sequence, struct row **rows, size_t *count);

/*
 * Service of a new schedule is by a trace of delivery opportunities, a tuple (gaps, unit_ns, period_ns, bytes) as in struct
 * opportunities, of which it keeps a copy.
 */
int opportunities_from_python(PyObject *tuple, struct schedule *schedule);

/*
 * A schedule of these rows, which it takes over in every case; period and loop as in schedule_new() and schedule_loop_from().
 * The caller holds it; NULL with a Python exception set if they are none.
 */
struct schedule *schedule_of_rows(struct row *rows, size_t count, int64_t period_ns, int64_t loop_ns, int64_t routes);

/*
 * What a dict's keys rows, routes, period_ns and, if it has it, loop_ns describe, and opportunities if it has them, as a schedule that the caller
 * holds; NULL with a Python exception set if they do not.
 */
struct schedule *schedule_from_dict(PyObject *dict);

/*
 * A dict with the keys rows, routes and period_ns, or in place of them schedule (of the type Schedule), and capacity_unit
 * ("bytes", "packets", "bdp"), capacity_amount, full_frame, reconfiguration_ns, reconfiguration_mode ("gsl", "all"), queue
 * (see queue_config.h), impairments (see impairments_config.h) and key (of draw.h), all of them required and no others, into *config, which then passes
 * half_config_check(). plctl.agent.native.half_arguments() makes such a dict. On success the caller ends it with
 * half_config_end(). On failure nothing is held.
 */
int half_config_from_python(PyObject *dict, struct half_config *config);
void half_config_end(struct half_config *config);

#endif
