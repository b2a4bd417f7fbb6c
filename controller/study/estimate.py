"""How long the rest of a study takes and how much disk: from its runs so far, or else from what runs mostly take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_request import RunRequest
from plctl.controller.study_folder.attempts import Attempt
from plctl.controller.study_folder.study_record import StudyRecord

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
    disk_bytes: int  #: without packet logs and what programs write; 0: nothing is known
    measured: int  #: runs that this rests on; 0: none was made yet


def estimate(
    record: StudyRecord,
    waiting: Iterable[str],
    runs: Sequence[Attempt],
    requests: Mapping[str, RunRequest] | None = None,
) -> Estimate:
    """What the `waiting` digests take, from all `runs` so far that came to an end by themselves.

    :param requests: what is to be run by digest, from which disk is estimated while no run was made.
    """
    known = record.by_digest()
    asked = [(digest, known[digest][0]) for digest in waiting]
    ended = [each for each in runs if each.is_judged and each.wall_ns]
    own: dict[str, list[int]] = {}
    for each in ended:
        own.setdefault(each.cell, []).append(each.wall_ns)
    durations = {cell.cell: cell.duration_ns for cell in record.cells if cell.duration_ns}
    over = [max(0, each.wall_ns - durations[each.cell]) for each in ended if each.cell in durations]
    overhead_ns = _mean(over) if over else OVERHEAD_NS
    time_ns = untold = 0
    for _, cell in asked:
        if cell.duration_ns:
            time_ns += cell.duration_ns + overhead_ns
        elif walls := own.get(cell.cell) or [each.wall_ns for each in ended]:
            time_ns += _mean(walls)
        else:
            untold += 1
    sizes = [each.disk_bytes for each in ended if each.disk_bytes]
    guess = sum(_disk_bytes(requests[digest]) for digest, _ in asked) if requests else 0
    return Estimate(len(asked), time_ns, untold, _mean(sizes) * len(asked) if sizes else guess, len(ended))


def _disk_bytes(request: RunRequest) -> int:
    samples = request.duration_ns // max(1, request.sample_interval_ns)
    return RUN_BYTES + 2 * len(request.links) * samples * SAMPLE_BYTES


def _mean(numbers: Sequence[int]) -> int:
    return sum(numbers) // len(numbers)
