"""Makes a `RunRequest` of the YAML of a run spec: validates it as a whole, reads its scenarios, numbers its links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plctl.common.base.errors import InputError
from plctl.common.base.problems import Problems
from plctl.common.base.units import format_duration
from plctl.common.plan.impairments import Impairments
from plctl.common.plan.offload import decide_coalesce, decide_offload
from plctl.common.plan.run_plan import Budget, LinkPlan, Reconfiguration, Workload
from plctl.common.plan.run_request import PLACEHOLDERS, LinkRequest, RunRequest, SourceFile
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Scenario, Schedule
from plctl.controller.spec.errors import validate
from plctl.controller.spec.impairment_model import ImpairmentsSpec
from plctl.controller.spec.model import MAX_LINKS, LinkSpec, RunSpec, WorkloadSpec, check_name
from plctl.controller.spec.scenarios import FilesBefore, SpecScenarios
from plctl.controller.spec.yaml_marks import Marked, load_marked
from plctl.controller.spec.yaml_marks import Path as YamlPath

#: The longest run spec that is read, in characters: ten thousand links with 1600 each. It takes 60 bytes of memory a
#: character, and 2 µs.
MAX_SPEC = 2**24


def parse_spec(text: str, file: Path, *, name: str, seed: int, duration_ns: int = 0) -> RunRequest:
    """The run that `text`, read from `file`, asks for.

    `name` and `seed` hold where the spec gives none; a `duration_ns` other than 0 takes the place of the spec's.

    :raises InputError: everything that is wrong with the spec and with the scenarios that it names.
    """
    problems = Problems(str(file))
    marked = load_spec(text, problems)
    return request_of(marked, text, file, problems, name=name, seed=seed, duration_ns=duration_ns)


def request_of(
    marked: Marked,
    text: str,
    file: Path,
    problems: Problems,
    *,
    name: str,
    seed: int,
    duration_ns: int = 0,
    before: FilesBefore | None = None,
) -> RunRequest:
    """As `parse_spec`, of a document that was read: `marked` may differ from `text` in values, but not in places.

    :param before: files that were read before, and need not be read again.
    :raises InputError: what is wrong, beside what `problems` have already.
    """
    run = validate(RunSpec, marked.value, (), marked, problems)
    scenarios = SpecScenarios(file.parent, marked, problems, before)
    links = _Links(marked, problems, scenarios, duration_ns or (run.duration if run else 0), run.user if run else "")
    for index, value in enumerate(_list_of_links(marked.value)):
        links.add(value, ("links", index))
    duration_ns = links.duration_ns()
    problems.check()
    if run is None:
        raise AssertionError("an invalid run spec left no problem")
    return RunRequest(
        name=run.name or name,
        seed=seed if run.seed is None else run.seed,
        links=tuple(links.requests),
        duration_ns=duration_ns,
        budget=Budget(run.budget.lateness, run.budget.skew, run.budget.workload),
        sample_interval_ns=run.telemetry.interval,
        socket_stats_ns=run.socket_stats or 0,
        on_failure=run.on_failure,
        retries=run.retries,
        labels=dict(run.labels),
        sources=(SourceFile.of(str(file), text), *scenarios.sources()),
        warnings=tuple(scenarios.warnings()),
    )


def load_spec(text: str, problems: Problems, placeholders: Sequence[str] = PLACEHOLDERS) -> Marked:
    """The values of the run spec `text`, none of which is checked yet, and where they stand.

    :raises InputError: it is no YAML, or no mapping.
    """
    if len(text) > MAX_SPEC:
        problems.add(0, 0, f"is too long for a run spec: at most {MAX_SPEC} characters are read")
    problems.check()
    marked = load_marked(text, problems, placeholders)
    if marked.value is None and not problems.found:
        problems.add(0, 0, "is empty; a run spec has at least the key links")
    if not isinstance(marked.value, dict):
        problems.check()
    return marked


def _list_of_links(value: Any) -> list[Any]:
    links = value.get("links") if isinstance(value, dict) else None
    return links[:MAX_LINKS] if isinstance(links, list) else []


class _Links:
    """The links of one spec as far as they are read; `duration_ns` is the run's as given, 0 if it is not."""

    def __init__(
        self, marked: Marked, problems: Problems, scenarios: SpecScenarios, duration_ns: int, user: str
    ) -> None:
        self._user = user  #: of workloads that name none
        self.requests: list[LinkRequest] = []
        self._marked = marked
        self._problems = problems
        self._scenarios = scenarios
        self._given_ns = duration_ns
        self._last_ns = 0  # when the last scenario ends
        self._names: set[str] = set()

    def add(self, value: Any, at: YamlPath) -> None:
        """Add what `value`, an item of the spec's links, stands for; its scenario is read even beside other faults."""
        link = validate(LinkSpec, value, at, self._marked, self._problems)
        scenario = self._scenario(value, (*at, "scenario")) if isinstance(value, dict) else None
        if link is None:
            return
        workloads = self._workloads(link, (*at, "workload"))
        names = self._number(link, (*at, "name"))
        if scenario is None:
            return
        scenario = self._scenarios.repeated(
            scenario.with_constants(*(_of(link, way).constants() for way in DIRECTIONS)), link.repeat, (*at, "repeat")
        )
        impairments = {way: self._impairments(_of(link, way), at) for way in DIRECTIONS}
        self._last_ns = max(self._last_ns, scenario.duration_ns)
        place = self._marked.place((*at, "hosts"))
        common = _plan(link, scenario, workloads, impairments)
        self._check_bottlenecks(common, at)
        for index, name in enumerate(names):
            plan = replace(common, name=name, index=index)
            self.requests.append(LinkRequest(plan, link.hosts, (self._problems.file, place.line, place.column)))

    def _scenario(self, link: dict[Any, Any], at: tuple[str | int, ...]) -> Scenario | None:
        served = {
            name: str(value)
            for name, value in link.items()
            if name in ("service", "bytes") and type(value) in (str, int)
        }
        return self._scenarios.find(link.get("scenario"), at, link.get("reader"), served)

    def _impairments(self, given: ImpairmentsSpec, at: YamlPath) -> Impairments:
        """Those of one direction; a table of jitter that cannot be read is added to the problems."""
        table: tuple[int, ...] = ()
        if given.jitter.table:
            try:
                table = self._scenarios.distribution(given.jitter.table)
            except InputError as error:
                place = self._marked.place((*at, "jitter"))
                for problem in error.problems:
                    self._problems.add(place.line, place.column, f"{problem.file} {problem.text}")
        return Impairments(given.loss.plan(), given.jitter.plan(table), given.duplicate.delay)

    def duration_ns(self) -> int:
        """The run's duration as given, 0 where workloads decide, or else until the last row.

        Where none of these ends the run, that becomes a problem.
        """
        plans = [request.plan for request in self.requests]
        if self._given_ns or not plans or any(plan.workloads for plan in plans):
            return self._given_ns
        if any(plan.up.period_ns or plan.down.period_ns for plan in plans):
            self._complain((), "needs a duration, as a scenario repeats for ever and there is no workload")
        if not self._last_ns:
            self._complain((), "needs a duration, as its scenarios have one row and there is no workload")
        return self._last_ns

    def _number(self, link: LinkSpec, at: YamlPath) -> list[str]:
        """The names of the link's copies: its own for a single one, else numbered from 0."""
        count = link.count or 1
        names = [link.name] if count == 1 else [f"{link.name}-{index}" for index in range(count)]
        try:
            check_name(names[-1])
        except ValueError as error:
            self._complain(at, f"name: {error}")
        if again := sorted(self._names.intersection(names)):
            self._complain(at, f"the link name {again[0]!r} is used twice")
        self._names.update(names)
        if len(self._names) > MAX_LINKS:
            self._complain(at, f"a run has at most {MAX_LINKS} links")
        return names

    def _workloads(self, link: LinkSpec, at: YamlPath) -> tuple[Workload, ...]:
        given = {spec.name for spec in link.workload if spec.name}
        made: dict[str, Workload] = {}
        for index, spec in enumerate(link.workload):
            if spec.name in made:
                self._complain((*at, index, "name"), f"the workload name {spec.name!r} is used twice")
            if self._given_ns and spec.start is not None and spec.start >= self._given_ns:
                text = f"{format_duration(spec.start)} is not before the run's end at {format_duration(self._given_ns)}"
                self._complain((*at, index, "start"), f"start: {text}")
            name = spec.name or _free_name(spec.at, {*given, *made})
            made[name] = _workload(spec, name, self._user)
        return tuple(made.values())

    def _check_bottlenecks(self, plan: LinkPlan, at: YamlPath) -> None:
        """Several QueueIDs need drop-tail."""
        for way in DIRECTIONS:
            schedule: Schedule = getattr(plan, way)
            name = plan.queue_of(way).discipline
            if schedule.bottlenecks > 1 and name != "droptail":
                text = f"queue: the scenario has several QueueIDs, which only droptail knows, and not {name} ({way})"
                self._complain((*at, "queue"), text)

    def _complain(self, at: YamlPath, text: str) -> None:
        place = self._marked.place(at)
        self._problems.add(place.line, place.column, text)


def _free_name(stem: str, taken: set[str]) -> str:
    """`stem`, or else the first of stem-2, stem-3 … that is not taken."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _workload(spec: WorkloadSpec, name: str, user: str) -> Workload:
    return Workload(
        name=name,
        at=spec.at,
        command=spec.command,
        start_ns=-1 if spec.start is None else spec.start,
        ready=spec.ready.plan() if spec.ready else None,
        timeout_ns=spec.timeout,
        env=dict(spec.env),
        user=spec.user or user,
    )


def _of(link: LinkSpec, way: Direction) -> ImpairmentsSpec:
    """What the link says of one direction."""
    own: ImpairmentsSpec | None = getattr(link, way)
    return own or link


def _shortest(up: Impairments, down: Impairments) -> tuple[Impairments, ...]:
    """Those of both directions as a link's plan has them."""
    if up != down:
        return up, down
    return () if up == Impairments() else (up,)


def _plan(
    link: LinkSpec, scenario: Scenario, workloads: tuple[Workload, ...], impairments: Mapping[Direction, Impairments]
) -> LinkPlan:
    """What all copies of the link have in common."""
    queue, queue_down = ((each or link.queue).plan() for each in (link.queue.up, link.queue.down))
    offload = decide_offload(link.offload, scenario.up, scenario.down)
    return LinkPlan(
        name=link.name,
        up=scenario.up,
        down=scenario.down,
        queue=queue,
        queue_down=None if queue_down == queue else queue_down,
        impairments=_shortest(impairments["up"], impairments["down"]),
        reconfiguration=Reconfiguration(link.reconfiguration.delay, link.reconfiguration.mode),
        overhead_bytes=link.overhead,
        mtu=link.mtu,
        start=link.start,
        arp=link.arp,
        workloads=workloads,
        packets=link.packets is not None,
        capture_bytes=link.packets.capture if link.packets else 0,
        offload=offload,
        coalesce_ns=decide_coalesce(link.coalesce, offload, scenario.up, scenario.down),
    )
