"""What a scenario is like in numbers: how rate and delay are distributed over time, its outages and its handovers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED, format_duration, format_rate, format_size
from plctl.common.scenario.editing.timeline import end_of
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Scenario, Schedule

_SHARES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class ScenarioStatistics:
    """Of one direction. Percentiles are over time: for p % of it, the value was at most that."""

    duration_ns: int
    rate_bps: dict[str, int]  #: by percentile, `p5` to `p95`; outages count as 0
    delay_ns: dict[str, int]  #: likewise, without outages
    mean_rate_bps: int  #: 0 where any rate is unlimited
    handovers_per_minute: float  #: rows with another RouteID than the one before
    bdp_bytes: int  #: the greatest of rate × 2 × delay
    outages: int
    outage_share: float  #: of the time, 0 to 1
    longest_outage_ns: int
    opportunities: int = 0  #: for delivery, in a period; the rates are their means. 0: service is by the rates
    opportunity_bytes: int = 0  #: what each is worth
    opportunities_period_ns: int = 0  #: after which they begin again
    longest_gap_ns: int = 0  #: without one

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def statistics(scenario: Scenario, schedule: Schedule) -> ScenarioStatistics:
    """Of `schedule`, one direction of `scenario`, which says how long it lasts."""
    end_ns = max(end_of(scenario), schedule.last_ns + 1)
    times = [*schedule.column("time_ns"), end_ns]
    lengths = [times[index + 1] - times[index] for index in range(len(schedule))]
    rates, delays, routes = (schedule.column(name) for name in ("rate_bps", "delay_ns", "route"))
    outages = list(_runs(zip(rates, lengths, strict=True)))
    unlimited = RATE_UNLIMITED in rates
    total = 0 if unlimited else sum(rate * length for rate, length in zip(rates, lengths, strict=True))
    changes = sum(routes[index] != routes[index - 1] for index in range(1, len(routes)))
    open_times = [(delay, length) for delay, rate, length in zip(delays, rates, lengths, strict=True) if rate]
    return ScenarioStatistics(
        end_ns,
        _percentiles(list(zip(rates, lengths, strict=True))),
        _percentiles(open_times),
        total // end_ns,
        changes * 60 * NS_PER_S / end_ns,
        schedule.bdp_bytes,
        len(outages),
        sum(outages) / end_ns,
        max(outages, default=0),
        *_of_trace(schedule.opportunities),
    )


def _of_trace(trace: Opportunities | None) -> tuple[int, ...]:
    return (trace.count, trace.worth_bytes, trace.period_ns, trace.longest_gap_ns) if trace else ()


def table(found: ScenarioStatistics) -> list[tuple[str, str]]:
    """It in words, a line each."""
    mean = ", the mean of opportunities" if found.opportunities else ""
    longest = f", the longest {format_duration(found.longest_outage_ns)}" if found.outages else ""
    return [
        ("lasts", format_duration(found.duration_ns)),
        ("rate", _percentile_words(found.rate_bps, format_rate) + mean),
        ("mean rate", format_rate(found.mean_rate_bps) if found.mean_rate_bps else "unlimited, or none"),
        ("delay", _percentile_words(found.delay_ns, format_duration)),
        ("BDP", f"{format_size(found.bdp_bytes)} at most"),
        ("handovers", f"{found.handovers_per_minute:.2f} per minute"),
        ("outages", f"{found.outages}, {found.outage_share:.2%} of the time{longest}"),
        *([("opportunities", _trace_words(found))] if found.opportunities else []),
    ]


def _trace_words(found: ScenarioStatistics) -> str:
    return (
        f"{found.opportunities} of {found.opportunity_bytes} bytes every "
        f"{format_duration(found.opportunities_period_ns)}, the longest gap {format_duration(found.longest_gap_ns)}"
    )


def _percentile_words(values: dict[str, int], form: Any) -> str:
    return ", ".join(f"{name} {form(value)}" for name, value in values.items()) or "none"


def _percentiles(weighted: Sequence[tuple[int, int]]) -> dict[str, int]:
    """The least value that at least so much of the time was not exceeded."""
    ordered = sorted(weighted)
    total = sum(length for _, length in ordered)
    found: dict[str, int] = {}
    passed = 0
    shares = iter(_SHARES)
    share = next(shares)
    for value, length in ordered:
        passed += length
        while share and passed * 100 >= share * total:
            found[f"p{share}"] = value
            share = next(shares, 0)
    return found


def _runs(rows: Iterable[tuple[int, int]]) -> Iterable[int]:
    """How long each run of rows without a rate lasts."""
    length = 0
    for rate, duration in rows:
        if not rate:
            length += duration
        elif length:
            yield length
            length = 0
    if length:
        yield length
