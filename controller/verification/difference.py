"""What differs between a run and the same run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.results.run_record import LinkRecord, RunRecord

_COUNTED = ("arrived_packets", "delivered_packets")


def differences(first: RunRecord, second: RunRecord) -> list[str]:
    """A sentence for each thing that differs: software, machines, verdicts, what was carried. Empty: nothing does."""
    return [
        *_maps("software", first.versions, second.versions),
        *_maps("machine", _facts(first), _facts(second)),
        *(["the seed differs"] if first.seed != second.seed else []),
        *_links(first, second),
    ]


def _facts(record: RunRecord) -> dict[str, str]:
    """The facts in which all hosts of a run agree."""
    known = [host.facts for host in record.hosts]
    return (
        {name: value for name, value in known[0].items() if all(f.get(name) == value for f in known)} if known else {}
    )


def _maps(what: str, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*first, *second]):
        was, now = first.get(name, "unknown"), second.get(name, "unknown")
        if was != now:
            yield f"{what}: {name} was {was}, is {now}"


def _links(first: RunRecord, second: RunRecord) -> Iterator[str]:
    again = {link.plan.name: link for link in second.links}
    for link in first.links:
        other = again.get(link.plan.name)
        if other is None:
            yield f"{link.plan.name} is gone"
            continue
        if link.verdict != other.verdict:
            yield f"{link.plan.name} was {link.verdict}, is {other.verdict}" + (
                f": {other.cause}" if other.cause else ""
            )
        yield from _carried(link, other)


def _carried(link: LinkRecord, other: LinkRecord) -> Iterator[str]:
    for direction in DIRECTIONS:
        if link.result and other.result:
            was, now = (getattr(each.result, direction) for each in (link, other))
            changed = [
                f"{name.removesuffix('_packets')} {getattr(was, name)} frames, now {getattr(now, name)}"
                for name in _COUNTED
                if getattr(was, name) != getattr(now, name)
            ]
            if changed:
                yield f"{link.plan.name} {direction}: {', '.join(changed)}"
