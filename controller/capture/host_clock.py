"""Translates a host's clock to the controller's wall clock, as the events and the telemetry of a run are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from plctl.common.base.units import NS_PER_S
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_record import LinkRecord, RunRecord

Instants = NDArray[np.int64]


class HostClock:
    """The clock of one host: what to add to its readings, at known readings; in between along straight lines."""

    def __init__(self, t_ns: Instants, added_ns: Instants) -> None:
        """`t_ns` are readings in ascending order, at least one; `added_ns` leads from them to ns since 1970."""
        self._t_ns, self._least = t_ns, int(added_ns.min())
        self._more = (added_ns - self._least).astype(np.float64)  # small: exact in a double

    def wall_ns(self, t_ns: Instants) -> Instants:
        """The controller's wall clock at these readings, in ns since 1970."""
        since = (t_ns - self._t_ns[0]).astype(np.float64)
        more = np.interp(since, (self._t_ns - self._t_ns[0]).astype(np.float64), self._more)
        added: Instants = self._least + np.rint(more).astype(np.int64)
        return t_ns + added


def at_start(record: RunRecord, link: LinkRecord) -> HostClock:
    """The clock of the host of `link`, which was armed, by what was known of it at T0."""
    assert link.planned_ns is not None
    reading = np.array([link.planned_ns], np.int64)
    return HostClock(reading, _t0_wall_ns(record) - reading)


def during(folder: Path, record: RunRecord, link: LinkRecord) -> HostClock:
    """Likewise, by what its telemetry in `folder` says of it all along the run; without any as at T0."""
    if not record.host(link.host).clock_offset_ns:
        return at_start(record, link)
    assert record.t0_ns is not None
    try:
        told = telemetry_file.read(folder, record.run, record.t0_by_host(), links=[link.plan.name])
    except OSError:
        return at_start(record, link)
    told = told.filter(pc.equal(told["direction"], "up")).sort_by("t_ns")
    t_ns, controller = (told[name].to_numpy() for name in ("t_ns", "t_controller_ns"))
    if not len(t_ns):
        return at_start(record, link)
    return HostClock(t_ns, controller - t_ns + _t0_wall_ns(record) - record.t0_ns)


def _t0_wall_ns(record: RunRecord) -> int:
    """T0 on the controller's wall clock, in ns since 1970, to the microsecond that the record has."""
    moment = datetime.fromisoformat(record.t0_utc)
    return int(moment.replace(microsecond=0).timestamp()) * NS_PER_S + moment.microsecond * 1000
