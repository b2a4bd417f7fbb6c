"""The keys of a run spec that say what the path does to frames at random: loss, jitter, duplicate, corrupt."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from plctl.common.base.errors import UserError
from plctl.common.plan.impairments import CERTAIN_PPB, FULL_CORRELATION, Distribution, Jitter, Loss
from plctl.common.plan.link_text import read_share
from plctl.controller.spec.text import Duration, Strict, from_text

_FRAMES = re.compile(r"([0-9]+)(?:\s*-\s*([0-9]+))?")
_MOST_FRAMES = 2**62
_MOST_ITEMS = 10_000


def _read_frames(text: str) -> tuple[int, int]:
    match = _FRAMES.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 0 < first <= last < _MOST_FRAMES:
        raise UserError(f"{text!r} is no frame's number from 1, nor a run of them, e.g. 17 or 40-60")
    return first, last


def _read_burst(text: str) -> int:
    try:
        length = Decimal(text)
    except ArithmeticError:
        length = Decimal(0)
    if not 1 <= length <= 10**6:
        raise UserError(f"{text!r} is no mean length of bursts; write a number of frames from 1, e.g. 4")
    return int((CERTAIN_PPB / length).to_integral_value())


def _list_of_one(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Share = Annotated[int, from_text(read_share, "1%")]


class LossSpec(Strict):
    """How frames are lost behind the bottleneck."""

    #: Of each frame, e.g. `1%`, in place of the scenario's column.
    probability: Share | None = None
    #: The mean length of bursts, in frames; the probability stays what it is.
    burst: Annotated[int, from_text(_read_burst, "4")] | None = None
    #: `gilbert-elliott`: two states, as netem's gemodel, by p, r, loss_bad and loss_good.
    model: Literal["gilbert-elliott"] | None = None
    #: From the good state to the bad one.
    p: Share | None = None
    #: From the bad state to the good one; by default 100% less p.
    r: Share | None = None
    #: In the bad state; by default `100%`.
    loss_bad: Share | None = None
    #: In the good state; by default `0%`.
    loss_good: Share | None = None
    #: After 0, 1, 2, … losses in a row; the last one holds for more.
    pattern: Annotated[tuple[Share, ...], Field(max_length=_MOST_ITEMS)] = ()
    #: The frames that are lost, by their number from 1, e.g. `[3, 17, 40-60]`.
    drop: Annotated[tuple[Annotated[tuple[int, int], from_text(_read_frames, "17")], ...],
                    BeforeValidator(_list_of_one), Field(max_length=_MOST_ITEMS)] = ()  # fmt: skip

    @model_validator(mode="after")
    def _is_one_model(self) -> Self:
        ways = [self.burst is not None, self.model is not None, bool(self.pattern), bool(self.drop)]
        if sum(ways) > 1:
            raise ValueError("give one of burst, model, pattern and drop")
        if self.probability is not None and any(ways[1:]):
            raise ValueError("probability goes with burst, or stands alone")
        if (self.model is None) != (self.p is None):
            raise ValueError("model: gilbert-elliott and p go together")
        if self.model is None and self.model_fields_set & {"r", "loss_bad", "loss_good"}:
            raise ValueError("r, loss_bad and loss_good are of model: gilbert-elliott")
        runs = sorted(self.drop)
        if any(after[0] <= before[1] for before, after in pairwise(runs)):
            raise ValueError("drop names a frame twice")
        return self

    def plan(self) -> Loss:
        """For the agent."""
        if self.burst is not None:
            return Loss("burst", r_ppb=self.burst)
        if self.model is not None and self.p is not None:
            leave = CERTAIN_PPB - self.p if self.r is None else self.r
            bad = CERTAIN_PPB if self.loss_bad is None else self.loss_bad
            return Loss("gilbert-elliott", self.p, leave, self.loss_good or 0, bad)
        if self.pattern:
            return Loss("pattern", pattern_ppb=self.pattern)
        return Loss("list", listed=tuple(sorted(self.drop))) if self.drop else Loss()


def _check_correlation(ppb: int) -> int:
    if ppb >= CERTAIN_PPB:
        raise ValueError("a correlation is less than 100%")
    return ppb


class JitterSpec(Strict):
    """How much earlier or later frames are than by their delay alone."""

    #: The standard deviation, e.g. `5ms`, in place of the scenario's column.
    deviation: Duration | None = None
    #: `uniform`, `normal`, `pareto`, `paretonormal`, or `table`.
    distribution: Distribution = "normal"
    #: With `table`: a file of numbers, relative to the spec: netem's `.dist`, or what was measured.
    table: str = ""
    #: Of frames that follow one another, e.g. `25%`.
    correlation: Annotated[Share, AfterValidator(_check_correlation)] = 0
    #: After which the correlation has fallen by a factor of e, e.g. `20ms`; in place of `correlation`.
    correlation_time: Duration = 0
    #: Let frames of one route overtake each other.
    reorder: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.distribution == "table") != bool(self.table):
            raise ValueError("distribution: table and table: FILE go together")
        if self.correlation and self.correlation_time:
            raise ValueError("give correlation or correlation_time")
        return self

    def plan(self, table: tuple[int, ...]) -> Jitter:
        """For the agent; `table` is what the file holds."""
        correlation = self.correlation * FULL_CORRELATION // CERTAIN_PPB
        return Jitter(self.distribution, table, correlation, self.correlation_time, self.reorder)


class DuplicateSpec(Strict):
    """Whether frames come twice."""

    #: Of each frame, e.g. `1%`, in place of the scenario's column.
    probability: Share | None = None
    #: How much later than its original a copy is due.
    delay: Duration = 0


class CorruptSpec(Strict):
    """Whether a bit of a frame is flipped, anywhere behind its Ethernet header. No checksum is mended."""

    #: Of each frame, e.g. `0.1%`, in place of the scenario's column.
    probability: Share | None = None


def short_for(key: str) -> BeforeValidator:
    """Let text alone stand for a mapping with that key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class ImpairmentsSpec(Strict):
    """The impairments of one direction, in place of those beside `up` and `down`."""

    #: How frames are lost; `1%` is short for `{probability: 1%}`.
    loss: Annotated[LossSpec, short_for("probability")] = LossSpec()
    #: How their delay varies; `5ms` is short for `{deviation: 5ms}`.
    jitter: Annotated[JitterSpec, short_for("deviation")] = JitterSpec()
    #: Whether they come twice; `1%` is short for `{probability: 1%}`.
    duplicate: Annotated[DuplicateSpec, short_for("probability")] = DuplicateSpec()
    #: Whether bits are flipped; `0.1%` is short for `{probability: 0.1%}`.
    corrupt: Annotated[CorruptSpec, short_for("probability")] = CorruptSpec()

    def constants(self) -> dict[str, int]:
        """What takes the place of a scenario's column, by the row's field."""
        given = {
            "loss_ppb": self.loss.probability,
            "jitter_ns": self.jitter.deviation,
            "duplicate_ppb": self.duplicate.probability,
            "corrupt_ppb": self.corrupt.probability,
        }
        return {name: value for name, value in given.items() if value is not None}


class PathSpec(ImpairmentsSpec):
    """What the path does to frames at random, behind the bottleneck."""

    #: That of client → server, in place of all that stands beside this.
    up: ImpairmentsSpec | None = None
    #: That of server → client, in place of all that stands beside this.
    down: ImpairmentsSpec | None = None


#: The models below one direction, by their keys.
IMPAIRMENTS: dict[tuple[str, ...], type[Strict]] = {
    ("loss",): LossSpec, ("jitter",): JitterSpec, ("duplicate",): DuplicateSpec, ("corrupt",): CorruptSpec,
}  # fmt: skip
