"""How long the rest of a study takes and how much disk: from its runs so far, or else from what runs mostly take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_request import RunRequest
from plctl.controller.study_folder.attempts import Attempt

#: What a run takes beside its duration, while none was measured.
OVERHEAD_NS = NS_PER_S
#: What a run's folder takes: itself, and for each direction of a link and each sample.
RUN_BYTES, SAMPLE_BYTES = 60_000, 40


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the runs that are still to be made."""

    runs: int
    time_ns: int  #: one after the other; of those runs of which it can be said
    untold: int  #: runs that end with their workloads, of which nothing is known yet
    disk_bytes: int  #: without packet logs and what programs write
    measured: int  #: runs that this rests on; 0: none was made yet

    def left_ns(self, parallel: int) -> int:
        """How long they take with so many at once."""
        return self.time_ns // max(1, parallel)


def estimate(requests: Mapping[str, RunRequest], waiting: Iterable[str], runs: Sequence[Attempt]) -> Estimate:
    """What the `waiting` digests take, from all `runs` so far that came to an end by themselves."""
    ended = [each for each in runs if each.is_judged and each.wall_ns]
    own: dict[str, list[int]] = {}  # by cell
    over: list[int] = []
    for each in ended:
        own.setdefault(each.cell, []).append(each.wall_ns)
        if (request := requests.get(each.digest)) and request.duration_ns:
            over.append(max(0, each.wall_ns - request.duration_ns))
    overhead_ns = _mean(over) if over else OVERHEAD_NS
    everybody = [each.wall_ns for each in ended]
    time_ns = untold = count = disk_bytes = 0
    for digest in waiting:
        request = requests[digest]
        count += 1
        disk_bytes += _disk_bytes(request)
        if request.duration_ns:
            time_ns += request.duration_ns + overhead_ns
        elif known := own.get(request.labels["cell"]) or everybody:
            time_ns += _mean(known)
        else:
            untold += 1
    sizes = [each.disk_bytes for each in ended if each.disk_bytes]
    return Estimate(count, time_ns, untold, _mean(sizes) * count if sizes else disk_bytes, len(ended))


def _disk_bytes(request: RunRequest) -> int:
    samples = request.duration_ns // max(1, request.sample_interval_ns)
    return RUN_BYTES + 2 * len(request.links) * samples * SAMPLE_BYTES


def _mean(numbers: Sequence[int]) -> int:
    return sum(numbers) // len(numbers)
