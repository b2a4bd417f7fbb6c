"""Whether the telemetry of a run is whole: of each direction of each link, interval after interval without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from chaos.evidence import RunSeen, Sample


def gaps(seen: RunSeen) -> Iterator[str]:
    """What is missing, or there twice, and nobody tells of."""
    if any("cannot write telemetry" in each["cause"] for each in seen.record["links"]):
        return  # the disk of the results had no room, and the run has failed by that
    told = {event.get("host") for event in seen.events if event.get("event") == "telemetry.dropped"}
    rows: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in seen.samples:
        rows.setdefault((sample.host, sample.link, sample.direction), []).append(sample)
    verdicts = {each["plan"]["name"]: each["verdict"] for each in seen.record["links"]}
    for (host, link, direction), some in rows.items():
        missing_ns = [now.t_ns - now.interval_ns - before.t_ns for before, now in pairwise(some)]
        if host not in told and any(missing_ns):
            wrong = [each for each in missing_ns if each]
            yield (
                f"telemetry of {link} {direction} ({verdicts.get(link)}) has {len(wrong)} gaps, the first of"
                f" {wrong[0] / 1e6:.1f} ms"
            )
