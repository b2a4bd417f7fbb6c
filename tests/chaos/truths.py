"""Holds what a run says of itself to what its witnesses wrote, on clocks whose offsets are known exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chaos.evidence import Evidence, RunSeen, WitnessBook
from chaos.plan import PlannedLink

MS = 10**6
#: How much later than due a witness may see a datagram of a link that is `ok`: its budget, and its own turn on a CPU.
_LATE_NS = 2000 * MS
#: Datagrams of the last moments may still be inside when the run ends.
_END_NS = 150 * MS
#: The gaps between what a sender sends, while it has its turn.
_WORKLOAD_NS = 2000 * MS


def untrue(evidence: Evidence, seen: RunSeen) -> Iterator[str]:
    """What the record says that is not so."""
    links = {link["plan"]["name"]: link for link in seen.record.get("links", ())}
    for planned in seen.planned.links:
        if not (link := links.get(planned.name)):
            yield f"run.json has no link {planned.name}"
            continue
        deleted = any(done.fault.run == seen.run and "send.stdout" in done.fault.what for done in evidence.faults)
        for what in _of_link(seen, planned, link, is_output_whole=not deleted):
            yield f"{planned.name} on {planned.host}, {link['verdict'] or 'no verdict'}: {what}"
    yield from _of_t0(evidence, seen)


def _of_link(seen: RunSeen, planned: PlannedLink, link: dict[str, Any], *, is_output_whole: bool) -> Iterator[str]:
    book = seen.books[planned.name]
    t0_ns = link.get("planned_ns")
    if book.began_ns and t0_ns and book.began_ns < t0_ns:
        yield f"its sender began {(t0_ns - book.began_ns) / MS:.3f} ms before T0"
    if book.began_ns and not t0_ns and link["verdict"] == "ok":
        yield "its sender began, and there was no T0"
    if link["verdict"] != "ok":
        return
    if not t0_ns or not book.began_ns:
        yield f"its sender {'never began' if t0_ns else 'had no T0'}"
        return
    if book.began_ns > t0_ns + _WORKLOAD_NS + 300 * MS:
        yield f"its sender began {(book.began_ns - t0_ns) / MS:.0f} ms after T0"
    yield from _of_datagrams(seen, planned, t0_ns, book)
    if is_output_whole:
        yield from _of_output(seen, planned, book)


def _of_datagrams(seen: RunSeen, planned: PlannedLink, t0_ns: int, book: WitnessBook) -> Iterator[str]:
    """Each that was sent well before the end came, once, as late as the scenario says.

    What a link with bursts must lose, and how long a frame waits behind them, only the judge knows (judged.py).
    """
    last_ns = max((after for _, after in book.sent.values()), default=0)
    end_ns = t0_ns + round(seen.planned.seconds * 1e9) if seen.planned.has_duration else last_ns
    kinds: dict[str, list[int]] = {}
    for number, (before_ns, after_ns) in book.sent.items():
        low_ns, high_ns = _delays_ns(planned, before_ns - t0_ns, after_ns - t0_ns)
        came = book.came.get(number, [])
        if not came and not planned.burst and after_ns + high_ns + _END_NS < min(end_ns, last_ns):
            kinds.setdefault("lost", []).append(number)
        if len(came) > 1:
            kinds.setdefault("twice", []).append(number)
        if came and came[0] < before_ns + low_ns:
            kinds.setdefault("early", []).append(number)
        if came and came[0] > after_ns + high_ns + _LATE_NS:
            kinds.setdefault("very late", []).append(number)
    for kind, numbers in kinds.items():
        yield f"{len(numbers)} of {len(book.sent)} datagrams were {kind}, the first number {numbers[0]}"


def _delays_ns(planned: PlannedLink, from_ns: int, until_ns: int) -> tuple[int, int]:
    """The least and the greatest delay of the rows in force between two instants of scenario time."""
    last = next((row for row in reversed(planned.rows) if row.time_ns <= from_ns), planned.rows[0])
    waits_ns = (200 if planned.burst else 2) * MS  #: so long service may take, and with it the row change
    rows = [last, *(row for row in planned.rows if from_ns < row.time_ns <= until_ns + waits_ns)]
    return min(row.delay_ns for row in rows), max(row.delay_ns for row in rows) + planned.blackout_ms * MS


def _of_output(seen: RunSeen, planned: PlannedLink, book: WitnessBook) -> Iterator[str]:
    """The sender's output in the results is what it printed; or its beginning, if the rest is said to be gone."""
    lines = seen.outputs.get(planned.name, [])
    printed = [str(number) for number in sorted({*book.sent, *book.refused})]
    left_out = [each for each in seen.events if each.get("event") == "output.left_out" and each["link"] == planned.name]
    if any("send.stdout was deleted" in each["cause"] for each in left_out) and lines == printed[: len(lines)]:
        return
    if lines not in (printed, printed[:-1]):  # it may have been ended between the two
        yield f"its output has {len(lines)} lines, of {len(printed)} that were printed"


def _of_t0(evidence: Evidence, seen: RunSeen) -> Iterator[str]:
    """T0 on each host is the controller's, within the bound that the record states."""
    real_ns = evidence.real_t0_ns(seen)
    hosts = {host["name"]: host for host in seen.record.get("hosts", ())}
    for link in seen.record.get("links", ()):
        if not real_ns or not link.get("planned_ns") or link["host"] not in hosts:
            continue
        host = hosts[link["host"]]
        bounds = [host[name] for name in ("bound_before_ns", "bound_after_ns") if host[name] >= 0]
        wrong_ns = abs(link["planned_ns"] - evidence.offsets_ns[link["host"]] - real_ns)
        if bounds and wrong_ns > min(bounds) + 1000:
            yield (
                f"{link['plan']['name']}: T0 on {link['host']} is {wrong_ns / 1000:.1f} µs from the controller's,"
                f" the bound is {min(bounds) / 1000:.1f} µs"
            )
