"""Says why a run does not start, where the sentence takes more than what an agent said."""

from __future__ import annotations

from plctl.common.base.units import format_duration


def too_wide(host: str, bound_ns: int, reserve_ns: int, budget_ns: int) -> str:
    """Of a clock that is known within `bound_ns`, where `reserve_ns` of the budget is left to the start itself."""
    reserved = ""
    if reserve_ns:
        total = format_duration(bound_ns + reserve_ns)
        reserved = f", which makes {total} with the {format_duration(reserve_ns)} that are left to the start itself"
    return (
        f"the clock of {host} is known only to within {format_duration(bound_ns)}{reserved}; the run's budget is"
        f" {format_duration(budget_ns)}; ease the load on the network and the two hosts, run chrony on both, or allow"
        f" more (budget: {{skew: …}})"
    )
