"""What a capture says of its run before the first packet: the section, and an interface for each end of each link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plctl.common.base.errors import UserError
from plctl.common.protocol.messages import DirectionResult
from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.controller.capture import pcapng
from plctl.controller.capture.both_ends import CapturedWay
from plctl.controller.capture.host_clock import HostClock
from plctl.controller.results.run_record import LinkRecord, RunRecord

_ASK = "ask for them in the run spec, at the link: packets: {capture: 128B}, or with plctl run --capture 128B"
_ENDS = ("client", "server")


def choose(record: RunRecord, names: Sequence[str]) -> list[LinkRecord]:
    """The links with these names, or all that keep bytes of their frames where there are none; in the order of the run.

    :raises UserError: there is no such link, or it keeps none.
    """
    known = {link.plan.name: link for link in record.links}
    for name in names:
        if name not in known:
            raise UserError(f"run {record.run} has no link {name:.80}; it has {', '.join(list(known)[:10])}")
        if not known[name].plan.capture_bytes:
            raise UserError(f"{name} kept no bytes of its frames in run {record.run}; {_ASK}")
    found = [link for name, link in known.items() if link.plan.capture_bytes and (not names or name in names)]
    if not found:
        raise UserError(f"no link of run {record.run} kept bytes of its frames; {_ASK}")
    return found


def require_t0(record: RunRecord, links: Sequence[LinkRecord]) -> None:
    """Refuse links that never got as far as T0, of which there are no packets.

    :raises UserError: there is one.
    """
    for link in links:
        if link.planned_ns is None:
            raise UserError(f"{link.plan.name} of run {record.run} never got as far as T0: there are no packets of it")


def ways(
    links: Sequence[LinkRecord], clocks: Sequence[HostClock], directions: Sequence[Direction]
) -> Iterator[CapturedWay]:
    """The directions of these links in the order of their interfaces, each with the clock of its link's host."""
    for number, (link, clock) in enumerate(zip(links, clocks, strict=True)):
        assert link.planned_ns is not None
        for direction in directions:
            way = DIRECTIONS.index(direction)
            yield CapturedWay(direction, 2 * number + way, 2 * number, link.planned_ns, clock)


def head(record: RunRecord, links: Sequence[LinkRecord]) -> bytes:
    """The capture's first blocks."""
    controller = record.versions.get("plctl", "")
    section = pcapng.section(
        application=f"plctl {controller}".strip(), system=_systems(record), comments=list(_comments(record, links))
    )
    return section + b"".join(_interface(link, end) for link in links for end in _ENDS)


def _interface(link: LinkRecord, end: str) -> bytes:
    other = "up leaves" if end == "server" else "down leaves"
    enters = "up enters" if end == "client" else "down enters"
    return pcapng.interface(
        f"{link.plan.name} {end}",
        f"the {end}'s end of link {link.plan.name}, where {enters} and {other} it",
        hardware=f"host {link.host}",
        kept_bytes=link.plan.capture_bytes,
    )


def _systems(record: RunRecord) -> str:
    return "; ".join(f"{host.name}: {host.facts['kernel']}" for host in record.hosts if host.facts.get("kernel"))


def _comments(record: RunRecord, links: Sequence[LinkRecord]) -> Iterator[str]:
    yield f"run {record.run}, name {record.name}, seed {record.seed}; T0 is {record.t0_utc} on the controller's clock"
    yield f"verdict of the run: {record.verdict or 'none yet'}{f' ({record.cause})' if record.cause else ''}"
    for host in (record.host(name) for name in dict.fromkeys(link.host for link in links)):
        bound = host.known_bound_ns
        known = "its clock is not known" if bound is None else f"its clock was known to within {bound} ns"
        yield f"host {host.name}: plctl {host.version or 'of an unknown version'}; {known}"
    for link in links:
        verdict = f"{link.verdict}{f' ({link.cause})' if link.cause else ''}" if link.verdict else "none yet"
        yield f"link {link.plan.name} on host {link.host}: verdict {verdict}"
        yield from _holes(link)


def _holes(link: LinkRecord) -> Iterator[str]:
    """What the log of the link lacks."""
    for direction in DIRECTIONS if link.result else ():
        half: DirectionResult = getattr(link.result, direction)
        where = f"link {link.plan.name} {direction}: there was no room for"
        if half.packet_log_lost:
            yield f"{where} the records of {half.packet_log_lost} frames, which are missing"
        if half.capture_lost:
            yield f"{where} the bytes of {half.capture_lost} frames"
