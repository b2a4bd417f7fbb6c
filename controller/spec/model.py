"""The keys that a run spec may have, with their types, units, limits and defaults, as pydantic models."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from plctl.common.base.errors import UserError
from plctl.common.base.names import is_name, name_rule
from plctl.common.base.units import parse_size
from plctl.common.plan.failure_policy import OnFailure
from plctl.common.plan.link_text import check_interval
from plctl.common.plan.offload import COALESCE_AUTO, OffloadChoice, read_coalesce
from plctl.common.plan.run_plan import MAX_CAPTURE_BYTES, Budget, End, LinkPlan, Ready, RunPlan, StartMode
from plctl.common.scenario.readers.reader import MAX_WORTH_BYTES
from plctl.common.scenario.schedule import Schedule
from plctl.controller.spec.impairment_model import IMPAIRMENTS, ImpairmentsSpec, PathSpec
from plctl.controller.spec.queue_model import DirectionQueueSpec, QueueSpec
from plctl.controller.spec.text import Duration, Strict, from_text, read_duration

MAX_LINKS = 10_000
MAX_RETRIES = 100
_BOOL = TypeAdapter(bool)
_LINK = LinkPlan("", Schedule(()), Schedule(()))  # for its defaults
_RUN = RunPlan("", 0, ())


def check_name(name: str) -> str:
    """`name` if it can name a run, a link or a workload: it becomes part of namespaces and paths.

    :raises ValueError: it cannot.
    """
    if not is_name(name):
        raise ValueError(f"{name!r} is not a name; write {name_rule()}")
    return name


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


def _check_env(env: dict[str, str]) -> dict[str, str]:
    for name in env:
        if not name or "=" in name:
            raise ValueError(f"{name!r} cannot name an environment variable")
    return env


Name = Annotated[str, AfterValidator(check_name)]
Text = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _list_of_one(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _both_ways(value: Any) -> Any:
    return {"up": value, "down": value} if isinstance(value, str | list) else value


def _of_format(value: Any) -> Any:
    return {"format": value} if isinstance(value, str) else value


def _of_packets(value: Any) -> Any:
    if isinstance(value, dict | PacketsSpec):
        return value
    try:
        return {} if _BOOL.validate_python(value) else None
    except ValidationError:
        raise ValueError("must be true, false, or a mapping such as {capture: 128B}") from None


Files = Annotated[tuple[Text, ...], BeforeValidator(_list_of_one), Field(min_length=1)]


class ScenarioSpec(Strict):
    """The scenario file of each direction, relative to the spec; or several that make one together."""

    #: File, or list of files, for client → server.
    up: Files
    #: File, or list of files, for server → client.
    down: Files


class ReconfigurationSpec(Strict):
    """The blackout that a new RouteID brings."""

    #: How long nothing is served or delivered, e.g. `200ms`.
    delay: Duration = 0
    #: `gsl` lets what is in flight arrive when the blackout is over; `all` postpones all of it by the delay.
    mode: Literal["gsl", "all"] = "gsl"


class ReadySpec(Strict):
    """When a workload counts as ready: exactly one of these."""

    #: A TCP socket listens on this port.
    tcp: Port = 0
    #: A UDP socket is bound to this port.
    udp: Port = 0
    #: This file exists, relative to the workload's folder.
    file: Annotated[Text, AfterValidator(_check_artifact)] = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of tcp, udp and file")
        return self

    def plan(self) -> Ready:
        """For the agent."""
        return Ready(self.tcp, self.udp, self.file)


class WorkloadSpec(Strict):
    """A command at one end of the link."""

    #: `client` or `server`.
    at: End
    #: A line as for a shell, or a list of words; `{server}`, `{client}`, `{link}`, `{host}`, `{index}` are filled in.
    command: Annotated[tuple[str, ...], BeforeValidator(_read_argv), Field(min_length=1)]
    #: Names its output's files; by default `client` or `server`.
    name: Name | None = None
    #: After T0. Without it the command starts before T0 and is ended with those that it serves.
    start: Duration | None = None
    #: What T0 waits for; only without `start`.
    ready: ReadySpec | None = None
    #: The longest that it may run; then it is ended, and has failed.
    timeout: Duration = 0
    #: Variables of its environment.
    env: Annotated[dict[str, str], AfterValidator(_check_env)] = Field(default_factory=dict)
    #: The account that it runs as; by default that of the run.
    user: str = ""

    @model_validator(mode="after")
    def _is_ready_before_t0(self) -> Self:
        if self.ready and self.start is not None:
            raise ValueError("ready is for a command without start, which must be up before the links start")
        if not self.command[0].strip() or (self.command[:2] == ("sh", "-c") and not self.command[-1].strip()):
            raise ValueError("the command is empty")
        return self


class PacketsSpec(Strict):
    """The packet log of a link: what it keeps of each frame beside its record."""

    #: So many of its first bytes, e.g. `128B`, for Wireshark; by default none.
    capture: Annotated[int, from_text(parse_size, "128B"), Field(ge=1, le=MAX_CAPTURE_BYTES)] = _LINK.capture_bytes


class LinkSpec(PathSpec):
    """One link, or `count` alike."""

    #: Names the link; with `count` its copies are NAME-0, NAME-1, …
    name: Name
    #: How many links like this one to make.
    count: Annotated[int, Field(ge=1, le=MAX_LINKS)] | None = None
    #: A file, relative to the spec, or a list of files that make one scenario together, or these for each direction.
    scenario: Annotated[ScenarioSpec, BeforeValidator(_both_ways)]
    #: The format of the scenario's files, else it is recognised; or a mapping of it (`format`) and of its options.
    reader: Annotated[dict[Text, Text], BeforeValidator(_of_format)] = Field(default_factory=dict)
    #: `opportunities`: each instant of a trace as it is; `rate`: their mean. By default as the scenario's files say.
    service: Literal["opportunities", "rate"] | None = None
    #: What a delivery opportunity is worth, of a frame less its Ethernet header; by default 1500.
    bytes: Annotated[int, Field(ge=1, le=MAX_WORTH_BYTES)] | None = None
    #: `true`, or a period: the scenario starts again.
    repeat: Annotated[bool | int, from_text(_read_repeat, "true or 60s")] = False
    #: The bottleneck's queue.
    queue: QueueSpec = QueueSpec()
    #: The blackout that a new RouteID brings.
    reconfiguration: ReconfigurationSpec = ReconfigurationSpec()
    #: Bytes that are added to every frame for service and queue.
    overhead: Annotated[int, Field(ge=0, le=4096)] = _LINK.overhead_bytes
    #: Bytes of the largest IP packet.
    mtu: Annotated[int, Field(ge=1280, le=9216)] = _LINK.mtu
    #: `on`: super-frames of TCP and UDP cross the link as such, each segment exactly; `off`: as single frames;
    #: `auto`: on where a direction's rate is 500 Mbit/s or more at some time.
    offload: OffloadChoice = _LINK.offload
    #: How late a segment may leave, so that those behind it leave with it in one super-frame; `0`: not at all; `auto`:
    #: 200 µs, or an eighth of a shorter delay.
    coalesce: Annotated[int, from_text(read_coalesce, "200us")] = COALESCE_AUTO
    #: When the scenario starts: at T0, or at the first packet of a kind.
    start: StartMode = _LINK.start
    #: `static`: the ends know each other; `dynamic`: ARP and neighbour discovery cross the link.
    arp: Literal["static", "dynamic"] = _LINK.arp
    #: Globs over the names of hosts that may carry the link.
    hosts: Annotated[tuple[Text, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v),
                     Field(min_length=1)] = ("*",)  # fmt: skip
    #: Commands at its ends.
    workload: tuple[WorkloadSpec, ...] = ()
    #: `true`: log every packet; or a mapping, which also says what to keep of each.
    packets: Annotated[PacketsSpec | None, BeforeValidator(_of_packets)] = None


class BudgetSpec(Strict):
    """What a link must keep to be `ok`."""

    #: The 99th percentile of delivery lateness, in each direction.
    lateness: Duration = Budget().lateness_ns
    #: How far from T0 a link may start.
    skew: Duration = Budget().skew_ns
    #: How much later than planned a workload may be executed.
    workload: Duration = Budget().workload_ns


class TelemetrySpec(Strict):
    """How often links are sampled."""

    #: Between two samples of each link.
    interval: Annotated[Duration, AfterValidator(check_interval)] = _RUN.sample_interval_ns


class RunSpec(Strict):
    """Everything but the links, which are validated one by one so that one bad link does not hide another."""

    #: Names the run; by default after the file.
    name: Name | None = None
    #: Of everything that is random; by default it is chosen at random, and recorded.
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    #: After T0; by default until the workloads end, else until the last row.
    duration: Duration = 0
    #: What becomes of the other links when one has failed after the start: they go on (`continue`), or the run is ended
    #: and they are `cancelled` (`cancel`). Before the start there is no choice: no link starts unless all can.
    on_failure: OnFailure = "continue"
    #: How often the run is made again, on other hosts if need be, if it did not start or lost an agent. Each attempt is
    #: a run of its own, with its own folder; what failed for another reason is a result, and is not repeated.
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0
    #: The account that commands run as which name none; by default the one that each agent has for them, else root.
    user: str = ""
    #: Names and values by which the run can be told from others, e.g. of a study.
    labels: dict[Text, Text] = Field(default_factory=dict)
    #: The links.
    links: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MAX_LINKS)]
    #: What a link must keep to be `ok`.
    budget: BudgetSpec = BudgetSpec()
    #: How often links are sampled.
    telemetry: TelemetrySpec = TelemetrySpec()
    #: How often the TCP sockets at the links' ends are looked at, e.g. `100ms`; by default never.
    socket_stats: Annotated[Duration, AfterValidator(check_interval)] | None = None


#: The model of the mapping that is reached from the root by these keys, list indices left out.
MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): RunSpec,
    ("links",): LinkSpec,
    ("links", "scenario"): ScenarioSpec,
    ("links", "queue"): QueueSpec,
    ("links", "queue", "up"): DirectionQueueSpec,
    ("links", "queue", "down"): DirectionQueueSpec,
    ("links", "up"): ImpairmentsSpec,
    ("links", "down"): ImpairmentsSpec,
    **{("links", *way, *key): model for way in ((), ("up",), ("down",)) for key, model in IMPAIRMENTS.items()},
    ("links", "reconfiguration"): ReconfigurationSpec,
    ("links", "workload"): WorkloadSpec,
    ("links", "workload", "ready"): ReadySpec,
    ("links", "packets"): PacketsSpec,
    ("budget",): BudgetSpec,
    ("telemetry",): TelemetrySpec,
}
