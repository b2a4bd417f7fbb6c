"""The keys that a run spec may have, with their types, units, limits and defaults, as pydantic models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from plctl.common.base.errors import UserError
from plctl.common.base.names import is_name, name_rule
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration, parse_duration, parse_size, scale
from plctl.common.plan.run_plan import Budget, Capacity, End, LinkPlan, Ready, RunPlan, StartMode
from plctl.common.scenario.schedule import Schedule

MAX_LINKS = 10_000
_MAX_CAPACITY = 2**40
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(bdp|p)", re.IGNORECASE)
_LINK = LinkPlan("", Schedule(()), Schedule(()))  # for its defaults
_RUN = RunPlan("", 0, ())


def check_name(name: str) -> str:
    """`name` if it can name a run, a link or a workload: it becomes part of namespaces and paths.

    :raises ValueError: it cannot.
    """
    if not is_name(name):
        raise ValueError(f"{name!r} is not a name; write {name_rule()}")
    return name


def read_duration(text: str) -> int:
    """Nanoseconds of text with a unit; a bare 0 needs none.

    :raises UserError: no duration, or longer than ten years.
    """
    return 0 if text == "0" else parse_duration(text)


def _from_text(read: Callable[[str], Any], example: str) -> BeforeValidator:
    """Have pydantic read text by `read`, whose refusals become pydantic's."""

    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be text, e.g. {example}")
        try:
            return read(value.strip())
        except UserError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(validate)


def _read_capacity(text: str) -> Capacity:
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


def _read_repeat(text: str) -> bool | int:
    if text in ("true", "false"):
        return text == "true"
    try:
        return read_duration(text)
    except UserError:
        raise UserError(f"{text!r} is neither true, false nor a duration such as 60s") from None


def _read_argv(value: Any) -> Any:
    """A command as its author wrote it: text is the shell's, a list is argv."""
    return ["sh", "-c", value] if isinstance(value, str) else value


def _check_artifact(path: str) -> str:
    """Refuse what would lie outside the workload's folder."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} must be relative, within the workload's artifact folder")
    return path


def _check_interval(ns: int) -> int:
    if not 10 * NS_PER_MS <= ns <= 60 * NS_PER_S:
        raise ValueError(f"{format_duration(ns)} is out of range; legal is 10ms to 60s")
    return ns


def _check_env(env: dict[str, str]) -> dict[str, str]:
    for name in env:
        if not name or "=" in name:
            raise ValueError(f"{name!r} cannot name an environment variable")
    return env


Name = Annotated[str, AfterValidator(check_name)]
Text = Annotated[str, Field(min_length=1)]
Duration = Annotated[int, _from_text(read_duration, "70s")]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ScenarioSpec(_Strict):
    """The scenario file of each direction, relative to the spec."""

    up: Text
    down: Text


class QueueSpec(_Strict):
    """The bottleneck's queue."""

    discipline: Literal["droptail"] = "droptail"
    capacity: Annotated[Capacity, _from_text(_read_capacity, "1.0bdp")] = Capacity()


class ReconfigurationSpec(_Strict):
    """The blackout that a new RouteID brings."""

    delay: Duration = 0
    mode: Literal["gsl", "all"] = "gsl"


class ReadySpec(_Strict):
    """What says that a workload is up: exactly one of these."""

    tcp: Port = 0
    udp: Port = 0
    file: Annotated[Text, AfterValidator(_check_artifact)] = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of tcp, udp and file")
        return self

    def plan(self) -> Ready:
        """For the agent."""
        return Ready(self.tcp, self.udp, self.file)


class WorkloadSpec(_Strict):
    """A command at one end of the link."""

    at: End
    command: Annotated[tuple[str, ...], BeforeValidator(_read_argv), Field(min_length=1)]
    name: Name | None = None
    start: Duration | None = None
    ready: ReadySpec | None = None
    timeout: Duration = 0
    env: Annotated[dict[str, str], AfterValidator(_check_env)] = {}
    user: str = ""

    @model_validator(mode="after")
    def _is_ready_before_t0(self) -> Self:
        if self.ready and self.start is not None:
            raise ValueError("ready is for a command without start, which must be up before the links start")
        if not self.command[0].strip() or (self.command[:2] == ("sh", "-c") and not self.command[-1].strip()):
            raise ValueError("the command is empty")
        return self


class LinkSpec(_Strict):
    """One link, or `count` alike."""

    name: Name
    count: Annotated[int, Field(ge=1, le=MAX_LINKS)] | None = None
    scenario: Annotated[ScenarioSpec, BeforeValidator(lambda v: {"up": v, "down": v} if isinstance(v, str) else v)]
    reader: Text = ""  #: the format of the scenario's files; empty: it is recognised
    repeat: Annotated[bool | int, _from_text(_read_repeat, "true or 60s")] = False
    queue: QueueSpec = QueueSpec()
    reconfiguration: ReconfigurationSpec = ReconfigurationSpec()
    overhead: Annotated[int, Field(ge=0, le=4096)] = _LINK.overhead_bytes
    mtu: Annotated[int, Field(ge=1280, le=9216)] = _LINK.mtu
    start: StartMode = _LINK.start
    arp: Literal["static", "dynamic"] = _LINK.arp
    hosts: Annotated[tuple[Text, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v),
                     Field(min_length=1)] = ("*",)  # fmt: skip
    workload: tuple[WorkloadSpec, ...] = ()
    packets: bool = _LINK.packets


class BudgetSpec(_Strict):
    """What a link must keep to be `ok`."""

    lateness: Duration = Budget().lateness_ns
    skew: Duration = Budget().skew_ns
    workload: Duration = Budget().workload_ns


class TelemetrySpec(_Strict):
    """How often links are sampled."""

    interval: Annotated[Duration, AfterValidator(_check_interval)] = _RUN.sample_interval_ns


class RunSpec(_Strict):
    """Everything but the links, which are validated one by one so that one bad link does not hide another."""

    name: Name | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    duration: Duration = 0
    labels: dict[Text, Text] = Field(default_factory=dict)
    links: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MAX_LINKS)]
    budget: BudgetSpec = BudgetSpec()
    telemetry: TelemetrySpec = TelemetrySpec()
    socket_stats: Annotated[Duration, AfterValidator(_check_interval)] | None = None


#: The model of the mapping that is reached from the root by these keys, list indices left out.
MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): RunSpec,
    ("links",): LinkSpec,
    ("links", "scenario"): ScenarioSpec,
    ("links", "queue"): QueueSpec,
    ("links", "reconfiguration"): ReconfigurationSpec,
    ("links", "workload"): WorkloadSpec,
    ("links", "workload", "ready"): ReadySpec,
    ("budget",): BudgetSpec,
    ("telemetry",): TelemetrySpec,
}
