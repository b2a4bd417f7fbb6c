"""How people write, and read, what a link is like: its queue, as `1.0bdp`, and its run's budget, as `skew=5ms`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration, parse_duration, parse_size, scale
from plctl.common.plan.discipline_parameters import write
from plctl.common.plan.disciplines import DISCIPLINES
from plctl.common.plan.impairments import CERTAIN_PPB
from plctl.common.plan.run_plan import Budget, Capacity, Queue

_MAX_CAPACITY = 2**40
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(bdp|p)", re.IGNORECASE)
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%?)")
_BUDGETS = {"lateness": "lateness_ns", "skew": "skew_ns", "workload": "workload_ns"}


def read_capacity(text: str) -> Capacity:
    """What `1.0bdp`, `64kB` or `100p` asks for.

    :raises UserError: it is none of these, or out of range.
    """
    match = _AMOUNT.fullmatch(text)
    try:
        if match is None:
            capacity = Capacity("bytes", parse_size(text))
        elif match[2].lower() == "bdp":
            capacity = Capacity("bdp", scale(match[1], 1_000_000))
        else:
            capacity = Capacity("packets", int(match[1]))
    except (ValueError, UserError):
        raise UserError(f"{text!r} is not a capacity; write e.g. 1.0bdp, 64kB or 100p") from None
    if not 0 < capacity.amount <= _MAX_CAPACITY:
        raise UserError(f"{text!r} is out of range; a queue holds something, and at most 1 TiB")
    return capacity


def read_share(text: str) -> int:
    """Parts per 10⁹ of e.g. ``1%`` or ``0.01``.

    :raises UserError: no share of 1.
    """
    match = _SHARE.fullmatch(text)
    parts = Decimal(match[1]) * (CERTAIN_PPB // 100 if match[2] else CERTAIN_PPB) if match else Decimal(-1)
    if not 0 <= parts <= CERTAIN_PPB:
        raise UserError(f"{text!r} is no share; write a percentage from 0 to 100, e.g. 1%")
    return int(parts.to_integral_value())


def describe_queue(queue: Queue) -> str:
    """In words: the discipline, what of its parameters is special, and how much the queue holds."""
    amount = queue.capacity.amount
    sizes = {"bytes": f"{amount} bytes", "packets": f"{amount} packets",
             "bdp": f"{amount / 1e6:g} × the bandwidth-delay product of the row in force"}  # fmt: skip
    kinds = {each.name: each.kind for each in DISCIPLINES[queue.discipline].parameters}
    special = ", ".join(f"{name} {write(kinds[name], value)}" for name, value in queue.parameters.items())
    return f"{queue.discipline}{f' ({special})' * bool(special)} and holds {sizes[queue.capacity.unit]}"


def read_budget(given: Iterable[str]) -> Budget:
    """What `lateness=2ms`, `skew=5ms` and `workload=100ms` allow; the rest stays as it is.

    :raises UserError: one of them is none of these.
    """
    budget = Budget()
    for text in given:
        kind, _, value = text.partition("=")
        if kind not in _BUDGETS or not value:
            raise UserError(f"{text!r} is no budget; legal is {', '.join(f'{each}=TIME' for each in _BUDGETS)}")
        budget = replace(budget, **{_BUDGETS[kind]: parse_duration(value)})
    return budget


def check_interval(ns: int) -> int:
    """`ns`, if one can look so often.

    :raises ValueError: it is out of range.
    """
    if not 10 * NS_PER_MS <= ns <= 60 * NS_PER_S:
        raise ValueError(f"{format_duration(ns)} is out of range; legal is 10ms to 60s")
    return ns
