"""Writes trace files of TheaterQ's, in its extended format (see the reader of them)."""

from __future__ import annotations

from plctl.common.base.units import NS_PER_US, RATE_UNLIMITED
from plctl.common.scenario.schedule import Direction, Scenario
from plctl.common.scenario.writers.writer import Written, durations_ns, only, traced_losses

#: A queue that is not said, in packets.
_LIMIT = 1000
_FULL_FRAME = 1514
_U32_MAX = 2**32 - 1


class TheaterQWriter:
    """The writer of them."""

    title = "TheaterQ's trace file"

    def write(self, scenario: Scenario, direction: Direction | None) -> Written:
        """As `Writer.write`; its RouteIDs are ours plus 1, as its 0 means none. LIMIT counts packets."""
        schedule = only(scenario, direction, self.title)
        lengths = durations_ns(schedule, scenario.end_ns)
        losses = traced_losses(schedule)
        if any(length % NS_PER_US for length in lengths):
            losses.append("times finer than 1 µs")
        if 0 in schedule.column("rate_bps"):
            losses.append("an outage (a rate of 0)")
        if schedule.period_ns:
            losses.append("that it repeats: load it with the option for it")
        several = "queue_id" in schedule.columns
        lines = [f"KEEP,LATENCY,JITTER,RATE,LOSS,LIMIT,DUP_PROB,DUP_DELAY,ROUTE_ID{',QUEUE_ID' * several}"]
        for length, row in zip(lengths, schedule.rows, strict=True):
            rate = -1 if row.rate_bps >= RATE_UNLIMITED else row.rate_bps
            limit = _LIMIT if row.queue_bytes < 0 else max(1, row.queue_bytes // _FULL_FRAME)
            shares = [round(getattr(row, name, 0) * _U32_MAX / 10**9) for name in ("loss_ppb", "duplicate_ppb")]
            keep = max(1, round(length / NS_PER_US))
            cells = (
                keep,
                row.delay_ns,
                getattr(row, "jitter_ns", 0),
                rate,
                shares[0],
                limit,
                shares[1],
                0,
                row.route + 1,
                *([row.queue_id] if several else []),
            )
            lines.append(",".join(map(str, cells)))
        return Written({".csv": "\n".join(lines) + "\n"}, tuple(losses))
