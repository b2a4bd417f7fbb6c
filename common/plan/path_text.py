"""Says in words what a plan asks the path of a link to do to frames, beside delaying them."""

from __future__ import annotations

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_duration
from plctl.common.plan.impairments import CERTAIN_PPB, FULL_CORRELATION, Jitter, Loss
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Direction, Schedule

#: Of a pattern's probabilities.
_MOST_TOLD = 4


def describe_path(plan: LinkPlan, direction: Direction) -> str:
    """E.g. ``loses 20 % of frames, delays them by a jitter of 5 ms (normal)``; empty if it does nothing."""
    schedule: Schedule = getattr(plan, direction)
    path = plan.impairments_of(direction)
    copies = f", {format_duration(path.duplicate_delay_ns)} later" if path.duplicate_delay_ns else ""
    parts = [
        _loss(schedule, path.loss),
        _asked(schedule, "corrupt_ppb", "flips a bit in {}"),
        _asked(schedule, "duplicate_ppb", "sends {} twice" + copies),
        _jitter(schedule, path.jitter),
    ]
    told = ", ".join(filter(None, parts))
    return told + " (in its first row)" * bool(told and not _is_here(schedule) and schedule.facts.rows > 1)


def share_text(parts_ppb: int) -> str:
    """Parts per 10⁹ in percent, to as many digits as there are."""
    return f"{parts_ppb * 100 / CERTAIN_PPB:.7g} %"


def _loss(schedule: Schedule, loss: Loss) -> str:
    match loss.model:
        case "gilbert-elliott":
            bad, good, p, r = map(share_text, (loss.bad_ppb, loss.good_ppb, loss.p_ppb, loss.r_ppb))
            return f"loses {bad} of frames in the bad state and {good} in the good one (Gilbert–Elliott, p {p}, r {r})"
        case "pattern":
            shares = [share_text(each) for each in loss.pattern_ppb]
            return f"loses frames by a pattern ({', '.join(shares[:_MOST_TOLD])}{', …' * (len(shares) > _MOST_TOLD)})"
        case "list":
            return "loses the frames that are listed"
        case "burst":
            return _asked(schedule, "loss_ppb", f"loses {{}} in bursts of {CERTAIN_PPB / loss.r_ppb:.3g}")
        case "bernoulli":
            return _asked(schedule, "loss_ppb", "loses {}")


def _asked(schedule: Schedule, column: str, words: str) -> str:
    least, most = _ends(schedule, column)
    if not most:
        return ""
    return words.format(
        f"{share_text(most) if least == most else f'{share_text(least)} to {share_text(most)}'} of frames"
    )


def _jitter(schedule: Schedule, jitter: Jitter) -> str:
    least, most = _ends(schedule, "jitter_ns")
    if not most:
        return ""
    deviation = format_duration(most) if least == most else f"{format_duration(least)} to {format_duration(most)}"
    kinds: list[str] = ["as a table says" if jitter.distribution == "table" else jitter.distribution]
    if jitter.correlation:
        kinds.append(f"correlated by {jitter.correlation * 100 / FULL_CORRELATION:.3g} %")
    if jitter.correlation_time_ns:
        kinds.append(f"correlated over {format_duration(jitter.correlation_time_ns)}")
    if jitter.reorder:
        kinds.append("frames overtake each other")
    return f"delays them by a jitter of {deviation} ({', '.join(kinds)})"


def _ends(schedule: Schedule, column: str) -> tuple[int, int]:
    """The least and the most that any row asks for; of a schedule whose rows are elsewhere, what its first row does."""
    values = schedule.column(column) if _is_here(schedule) else [getattr(schedule.facts.first, column)]
    return min(values), max(values)


def _is_here(schedule: Schedule) -> bool:
    """Whether its rows are at hand: those of a run that a controller keeps may be there alone."""
    try:
        return len(schedule.columns) > 0
    except UserError:
        return False
