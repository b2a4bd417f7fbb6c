"""The keys that a study may have, with their types, limits and defaults, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from plctl.common.base.problems import quote, suggest
from plctl.common.plan.failure_policy import OnFailure
from plctl.controller.spec.model import Name, Text
from plctl.controller.spec.text import Strict
from plctl.controller.study.quantity import between
from plctl.controller.study_folder.study_record import Order
from plctl.controller.verdict.verdict import Verdict

MAX_REPETITIONS = 10_000
MAX_STEPS = 1000
_MAX_RETRIES = 100
#: Verdicts after which it makes sense to run a repetition again.
RETRIED = tuple(str(each) for each in Verdict if each not in (Verdict.OK, Verdict.CANCELLED))


def levels_alone(value: Any) -> Any:
    """A level, or a list of levels, without the mapping around it."""
    if isinstance(value, str):
        return {"values": [value]}
    return {"values": value} if isinstance(value, list) else value


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _check_retry(retry: dict[str, int]) -> dict[str, int]:
    for verdict in retry:
        if verdict not in RETRIED:
            raise ValueError(f"{quote(verdict)} is no verdict to retry; {suggest(verdict, RETRIED)}")
    return retry


def _read_parallel(value: Any) -> Any:
    return 0 if value == "auto" else value


def _check_distinct(levels: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if levels and len(set(levels)) < len(levels):
        again = next(level for number, level in enumerate(levels) if level in levels[:number])
        raise ValueError(f"the level {quote(again)} is given twice")
    return levels


Levels = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_check_distinct)]
OneOrMany = Annotated[tuple[Text, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
Retries = Annotated[int, Field(ge=0, le=_MAX_RETRIES)]


class FactorSpec(BaseModel):
    """The levels of a factor: a list of them alone, or a mapping of either `values` or `from`, `to` and `steps`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    #: The levels, one by one.
    values: Levels | None = None
    #: The first level of a range, a number that may have a unit.
    first: Text | None = Field(default=None, alias="from")
    #: The last one.
    last: Text | None = Field(default=None, alias="to")
    #: How many levels the range has, both ends included.
    steps: Annotated[int, Field(ge=2, le=MAX_STEPS)] | None = None
    #: `linear`: even steps; `log`: by an even factor.
    scale: Literal["linear", "log"] = "linear"
    #: A condition over the factors above: only cells in which it holds have these levels.
    when: Text | None = None
    #: The level of the other cells; goes with `when`.
    otherwise: Text | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        whole = None not in (self.first, self.last, self.steps)
        some = {self.first, self.last, self.steps} != {None} or self.scale != "linear"
        if (self.values is None) != whole or (self.values is not None and some):
            raise ValueError("needs either values, or from, to and steps, e.g. {from: 0%, to: 2%, steps: 3}")
        if (self.when is None) != (self.otherwise is None):
            raise ValueError("when and otherwise go together: the level of the cells in which the condition is false")
        self.levels()
        return self

    def levels(self) -> tuple[str, ...]:
        """All of them, but for `otherwise`.

        :raises ValueError: the range is none.
        """
        if self.values is not None:
            return self.values
        assert self.first is not None and self.last is not None and self.steps is not None  # noqa: PT018
        return between(self.first, self.last, self.steps, logarithmic=self.scale == "log")


class StudySpec(Strict):
    """A study: a run spec, and what is varied in it."""

    #: Names the study and its folder.
    study: Name
    #: The run spec, relative to this file. `{factor}` may stand in any value of it, also as a part of a text.
    base: Text
    #: From which the seeds of all runs follow.
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    #: Factor → its levels. The names can be used in `base` and in conditions.
    factors: dict[str, Any] = Field(default_factory=dict)
    #: Lists of factors that are not combined, but go side by side: first level with first level.
    zip: tuple[tuple[Text, ...], ...] = ()
    #: A condition: only cells in which it holds are run.
    where: Text | None = None
    #: Cells that are not run, each as factor → level, or list of levels; factors that are not named may have any.
    exclude: tuple[dict[str, OneOrMany], ...] = ()
    #: Runs of each cell.
    repetitions: Annotated[int, Field(ge=1, le=MAX_REPETITIONS)] = 1
    #: Factors that have no part in seeds, so that their levels meet the same random losses and jitter.
    paired: tuple[Text, ...] = ()
    #: `shuffled`; `blocked`: one repetition of each cell after the other, shuffled within; `as-written`.
    order: Order = "shuffled"
    #: Verdict → how often a repetition that ended with it is run again.
    retry: Annotated[dict[str, Retries], AfterValidator(_check_retry)] = Field(default_factory=dict)
    #: How often a repetition is run again whose run did not start or lost an agent; by default as the run spec says.
    retries: Retries | None = None
    #: What one link's failure after the start means for the other links of its run; by default as the run spec says.
    on_failure: OnFailure | None = None
    #: How many runs at once: a number, or `auto`: as many as hosts have room for, on one machine one.
    parallel: Annotated[int, BeforeValidator(_read_parallel), Field(ge=0, le=10_000)] = 0
    #: Workload → what reads its output.
    metrics: dict[Text, Text] = Field(default_factory=dict)


#: The mappings of a study by their names, for its reference.
STUDY_MODELS: dict[str, type[BaseModel]] = {"the study itself": StudySpec, "factors.NAME": FactorSpec}
