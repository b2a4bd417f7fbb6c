"""Impairments as models of a direction take them: distributions become tables of their inverse, in integers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from typing import TypedDict

from plctl.common.plan.distributions import standard_table
from plctl.common.plan.impairments import Impairments, LossModel


class NativeImpairments(TypedDict):
    """What a half does to frames behind its bottleneck, as struct impairments_config in impairments.h."""

    loss_model: LossModel
    loss_p: int
    loss_r: int
    loss_good: int
    loss_bad: int
    loss_pattern: Sequence[int]
    loss_listed: Sequence[tuple[int, int]]
    distribution: bytes
    normal: bytes
    correlation: int
    correlation_time_ns: int
    reorder: bool
    duplicate_delay_ns: int


def native_impairments(plan: Impairments, *, jitters: bool) -> NativeImpairments:
    """`plan` for the core; its tables are only made if any row `jitters`."""
    loss, jitter = plan.loss, plan.jitter
    correlated = jitters and bool(jitter.correlation or jitter.correlation_time_ns)
    table = _bytes(jitter.table) if jitter.distribution == "table" else None
    return {
        "loss_model": loss.model,
        "loss_p": loss.p_ppb,
        "loss_r": loss.r_ppb,
        "loss_good": loss.good_ppb,
        "loss_bad": loss.bad_ppb,
        "loss_pattern": loss.pattern_ppb,
        "loss_listed": loss.listed,
        "distribution": (table or distribution_table(jitter.distribution)) if jitters else b"",
        "normal": distribution_table("normal") if correlated else b"",
        "correlation": jitter.correlation if correlated else 0,
        "correlation_time_ns": jitter.correlation_time_ns if correlated else 0,
        "reorder": jitter.reorder,
        "duplicate_delay_ns": plan.duplicate_delay_ns,
    }


@cache
def distribution_table(name: str) -> bytes:
    """The table of a distribution of that name, as the core takes it."""
    return _bytes(standard_table(name))


def _bytes(values: Sequence[int]) -> bytes:
    return array("i", values).tobytes()
