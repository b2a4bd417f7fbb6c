"""Names, units and labels of what is monitored, after Prometheus's conventions: base units, `_total`, few labels.

No label is finer than a link, and links are bounded: what was left out is a series, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from plctl.common import __version__
from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED
from plctl.common.protocol import requests as rq
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.counters import CAUSES, COUNTERS, CounterGroup
from plctl.controller.view.live_state import named
from plctl.controller.web.monitoring.snapshot import Monitored, MonitoredRun

_LINK = ("run", "host", "link", "direction")
#: Groups whose counters are told apart by a label, and those that have one counter of packets each.
_BY_CAUSE = (CounterGroup.DROPPED, CounterGroup.LOST)
_PLAIN = tuple(group for group in CounterGroup if group not in _BY_CAUSE)


def registry_of(snapshot: Monitored) -> CollectorRegistry:
    """What a scrape of `snapshot`, and of this process, has."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(snapshot))
    ProcessCollector(registry=registry)
    return registry


class _Snapshot(Collector):
    """Hands out the families of one moment."""

    def __init__(self, snapshot: Monitored) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        yield _gauge("plctl_build_info", "Version of plctl.", ("version",), [((__version__,), 1)])
        yield from _agents(snapshot.agents)
        yield from _runs(snapshot)
        yield from _links(snapshot.runs)
        yield _counter("plctl_refused_messages", "Messages that had no effect, by why.", ("reason",),
                       [((why,), count) for why, count in sorted(snapshot.refused.items())])  # fmt: skip
        yield _gauge("plctl_page_streams", "Streams that pages have open.", (), [((), snapshot.streams)])


_Values = Sequence[tuple[tuple[str, ...], float]]


def _gauge(name: str, doc: str, labels: Sequence[str], values: _Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, doc, labels=labels)
    for words, value in values:
        family.add_metric(words, value)
    return family


def _counter(name: str, doc: str, labels: Sequence[str], values: _Values) -> CounterMetricFamily:
    family = CounterMetricFamily(name, doc, labels=labels)
    for words, value in values:
        family.add_metric(words, value)
    return family


def _agents(agents: Sequence[rq.AgentInfo]) -> Iterator[Metric]:
    def of(name: str, doc: str, values: Iterator[tuple[str, float]]) -> Metric:
        return _gauge(f"plctl_agent_{name}", doc, ("agent",), [((agent,), value) for agent, value in values])

    yield of("connected", "1: the agent is connected.", ((a.name, int(a.connected)) for a in agents))
    yield of("silence_seconds", "Since it was last heard.", ((a.name, a.silent_ns / NS_PER_S) for a in agents))
    yield of("links", "Links of runs that go on.", ((a.name, a.links) for a in agents))
    yield of("free_memory_bytes", "What frames of further links may take.", ((a.name, a.memory_bytes) for a in agents))
    yield of("capacity_packets_per_second", "What its forwarder is estimated to carry.",
             ((a.name, a.packets_per_s) for a in agents))  # fmt: skip
    yield of("taken_packets_per_second", "What its links may ask for, at their greatest rates.",
             ((a.name, a.packets_per_s_taken) for a in agents))  # fmt: skip
    yield of("unacknowledged_reports", "Reports that the controller has not acknowledged.",
             ((a.name, a.waiting) for a in agents))  # fmt: skip
    yield of("clock_error_bound_seconds", "How far from the truth its clock's offset may be; absent: not known.",
             ((a.name, a.bound_ns / NS_PER_S) for a in agents if a.bound_ns >= 0))  # fmt: skip


def _runs(snapshot: Monitored) -> Iterator[Metric]:
    phases: dict[str, int] = {}
    for run in snapshot.runs:
        phases[run.phase] = phases.get(run.phase, 0) + 1
    yield _gauge("plctl_runs", "Runs that go on, by phase.", ("phase",), [((k,), n) for k, n in sorted(phases.items())])
    yield _counter("plctl_finished_runs", "Runs that are over, by verdict.", ("verdict",),
                   [((verdict,), count) for verdict, count in sorted(snapshot.verdicts.items())])  # fmt: skip
    budgets = [((run.run,), run.budget_ns / NS_PER_S) for run in snapshot.runs]
    yield _gauge("plctl_run_lateness_budget_seconds", "The 99th percentile that a link may have.", ("run",), budgets)


def _links(runs: Sequence[MonitoredRun]) -> Iterator[Metric]:
    yield _gauge("plctl_links_left_out", "Links of runs that go on that have no series here.", (),
                 [((), sum(run.left_out for run in runs))])  # fmt: skip
    halves = [
        ((run.run, state.host, state.link, direction), named(values))
        for run in runs
        for state in run.links
        for direction, values in zip(DIRECTIONS, (state.up, state.down), strict=True)
        if values
    ]
    yield from _counts(halves)
    gauges = (
        ("queue_bytes", "Backlog of the bottleneck.", "queue_bytes", 1),
        ("in_flight_packets", "Served and not yet delivered.", "in_flight_packets", 1),
        ("asked_delay_seconds", "Delay that the row in force asks for.", "delay_ns", NS_PER_S),
        ("lateness_p99_seconds", "99th percentile of lateness in the last interval; absent: no packet.",
         "lateness_p99_ns", NS_PER_S),
        ("transit_p50_seconds", "Median time inside in the last interval; absent: no packet.", "transit_p50_ns",
         NS_PER_S),
    )  # fmt: skip
    for name, doc, column, unit in gauges:
        values = [(words, now[column] / unit) for words, now in halves if now[column] >= 0]
        yield _gauge(f"plctl_link_{name}", doc, _LINK, values)
    rates = [(words, now["rate_bps"] / 8) for words, now in halves if now["rate_bps"] < RATE_UNLIMITED]
    yield _gauge("plctl_link_asked_rate_bytes_per_second", "Rate that the row in force asks for.", _LINK, rates)
    states = [((run.run, k.host, k.link, k.state), 1.0) for run in runs for k in run.links]
    yield _gauge("plctl_link_state", "1: the state of the link.", ("run", "host", "link", "state"), states)


def _counts(halves: Sequence[tuple[tuple[str, ...], dict[str, int]]]) -> Iterator[Metric]:
    for group in _PLAIN:
        for name in (each.name for each in COUNTERS.values() if each.group == group):
            values = [(words, float(now[name])) for words, now in halves]
            yield _counter(f"plctl_link_{name}", COUNTERS[name].doc, _LINK, values)
    for group in _BY_CAUSE:
        family = CounterMetricFamily(
            f"plctl_link_{group}_packets", f"Frames that were {group}, by cause.", labels=(*_LINK, "cause")
        )
        for words, now in halves:
            for name, cause in CAUSES[group].items():
                family.add_metric((*words, cause.replace(" ", "_")), now[name])
        yield family
