"""What `plctl link start` says: a line a second, and a table of both directions at the end."""

from __future__ import annotations

from collections.abc import Sequence

from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED, format_duration, format_rate, format_size
from plctl.common.telemetry.counters import CounterGroup
from plctl.common.telemetry.samples import HalfStats, LinkStats, Sample

_TITLES = {"up": "client → server", "down": "server → client"}


def format_interval(samples: Sequence[Sample], scenario_ns: int) -> str:
    """One line about what both directions did in an interval.

    :param scenario_ns: scenario time at the interval's end; negative before it began.
    """
    clock = "waiting" if scenario_ns < 0 else f"{scenario_ns / NS_PER_S:7.1f} s"
    return f"{clock} | " + " | ".join(_format_sample(sample) for sample in samples)


def format_short(samples: Sequence[Sample], scenario_ns: int) -> str:
    """As `format_interval`, in the 79 characters of a narrow terminal; what the machine lost comes first."""
    seconds = scenario_ns / NS_PER_S
    clock = "waiting" if seconds < 0 else f"{seconds:.{1 if seconds < 1000 else 0}f} s"
    lost = sum(each.lost for each in samples)
    rates = ", ".join(f"{each.direction} {_out_of_asked(each)}" for each in samples)
    delays = " ".join(dict.fromkeys(_three(each.delay_ns / NS_PER_MS) for each in samples))
    queue = _three(max(each.queue_bytes for each in samples) / 1000)
    dropped = sum(each.dropped for each in samples)
    parts = [clock, *([f"LOST {lost}"] if lost else []), f"{rates} Mbit/s", f"{delays} ms", f"queue {queue} kB"]
    return " | ".join([*parts, *([f"dropped {dropped}"] if dropped else [])])


def format_summary(stats: LinkStats, end_ns: int) -> str:
    """A table of all that went through, with one column a direction.

    :param end_ns: CLOCK_MONOTONIC of the end.
    """
    columns = [_describe(stats.up), _describe(stats.down)]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    widths = [max(len(row[i]) for row in [("", *_TITLES.values()), *rows]) for i in range(3)]
    lines = [f"{'':{widths[0]}}  " + "  ".join(f"{t:>{w}}" for t, w in zip(_TITLES.values(), widths[1:], strict=True))]
    lines += [f"{name:<{widths[0]}}  {up:>{widths[1]}}  {down:>{widths[2]}}" for name, up, down in rows]
    if stats.started_ns:
        lines.append(f"scenario time: {format_duration(end_ns - stats.t0_ns)}")
    return "\n".join(lines)


def count_lost(stats: LinkStats) -> int:
    """Frames that this machine lost, not the emulated path: with any of them the emulation was not true."""
    return stats.up.lost + stats.down.lost


def _format_sample(sample: Sample) -> str:
    def rate(n: int) -> str:
        return format_rate(n * 8 * NS_PER_S // sample.interval_ns)

    lost = sample.lost
    asked = f"{sample.direction} {format_rate(sample.rate_bps)}, {format_duration(sample.delay_ns)}"
    happened = f"in {rate(sample.arrived_bytes)}, out {rate(sample.delivered_bytes)}, queue {sample.queue_bytes} B"
    trouble = f", dropped {sample.dropped}" if sample.dropped else ""
    return f"{asked}: {happened}{trouble}" + (f", LOST BY THIS MACHINE {lost}" if lost else "")


def _out_of_asked(sample: Sample) -> str:
    """``17.1/20``, delivered and asked for."""
    out = _three(8 * sample.delivered_bytes * 1000 / sample.interval_ns)
    return f"{out}/{'∞' if sample.rate_bps >= RATE_UNLIMITED else _three(sample.rate_bps / 10**6)}"


def _three(value: float) -> str:
    """`value` to three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _describe(half: HalfStats) -> dict[str, str]:
    late, transit = half.lateness, half.transit
    timed = transit.count > 0
    return {
        "arrived": f"{half.arrived_packets} frames, {format_size(half.arrived_bytes)}",
        "delivered": f"{half.delivered_packets} frames, {format_size(half.delivered_bytes)}",
        "dropped, as asked": _by_cause(half, CounterGroup.DROPPED),
        "lost by this machine": _by_cause(half, CounterGroup.LOST),
        "in the link": f"{half.queue_packets} queued, {half.in_flight_packets} in flight",
        "transit, median": format_duration(transit.percentile(50)) if timed else "-",
        "late, median": format_duration(late.percentile(50)) if timed else "-",
        "late, 99 %": format_duration(late.percentile(99)) if timed else "-",
        "late, worst": format_duration(late.max) if timed else "-",
    }


def _by_cause(half: HalfStats, group: CounterGroup) -> str:
    causes = half.causes(group)
    return f"{half.total(group)} frames" + (f" ({causes})" if causes else "")
