"""Tidy rows of a run: one for each link and flow, with verdicts in the row, labels and metrics as columns.

Counters of a link repeat in the row of each of its flows. A link of which no program's output was read has one row,
whose `workload` and `flow` are null; so has a program whose output could not be read, with the reason in `problem`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.plan.run_plan import Workload
from plctl.controller.analysis.link_rows import link_row
from plctl.controller.analysis.open_run import RunResults
from plctl.controller.metrics.flow import MetricReader, NoMetricsError, number_or_text
from plctl.controller.metrics.opening import metric_reader
from plctl.controller.results.run_record import LinkRecord

#: Workload → what reads its output: one reader or several.
Metrics = Mapping[str, str | Sequence[str]]
#: Labels that a study's table has as columns of its own.
_OF_STUDIES = {"digest", "study"}
_Readers = Sequence[tuple[str, MetricReader]]


def tidy_rows(run: RunResults, metrics: Metrics) -> Iterator[dict[str, Any]]:
    """The rows of `run`.

    :param metrics: names of workloads, or an end (`client`, `server`) for all that run there → readers of their output
        (`iperf3`, `ping`, `json:…`; see `metric_reader`).
    :raises UserError: no such reader.
    """
    record = run.record
    readers = {name: [(each, metric_reader(each)) for each in _several(named)] for name, named in metrics.items()}
    head = {
        **{name: number_or_text(value) for name, value in record.labels.items() if name not in _OF_STUDIES},
        "run": record.run,
        "seed": record.seed,
        "verdict": record.verdict or None,
    }
    for link in record.links:
        row = head | link_row(link)
        flows = [
            {"workload": workload.name, **flow}
            for workload in link.plan.workloads
            for flow in _flows(run, link, workload, readers.get(workload.name) or readers.get(workload.at) or [])
        ]
        for each in flows or [{"workload": None, "flow": None}]:
            yield row | each


def _flows(run: RunResults, link: LinkRecord, workload: Workload, readers: _Readers) -> Iterator[dict[str, Any]]:
    """A row for each flow in the output of `workload`; what several readers say of one flow stands in one row."""
    flows: dict[str, dict[str, Any]] = {}
    problems = []
    for name, reader in readers:
        try:
            for found in reader.read(run.output(link.plan.name, workload.name)):
                flows.setdefault(found.flow, {}).update(found.values)
        except (NoMetricsError, UserError) as error:
            problems.append(f"{name} cannot read the output of {workload.name}: {error}")
    problem = "; ".join(problems) or None
    if readers and not flows:
        yield {"flow": None, "problem": problem}
    for flow, values in flows.items():
        yield {"flow": flow, "problem": problem, **values}


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
