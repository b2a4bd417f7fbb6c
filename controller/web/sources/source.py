"""What the page's server asks of whatever it shows, and the run's live view that each kind of source has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from plctl.common.protocol import requests as rq
from plctl.controller.service.run_view import RunView
from plctl.controller.view.run_source import RunSource
from plctl.controller.web.monitoring.snapshot import MOST_LINKS, Monitored, MonitoredRun

#: What is looked at: a controller in this process, the one run or study of this process, or folders.
SourceKind = Literal["controller", "run", "study", "folders"]


class WebSource(Protocol):
    """One place with runs. Every method raises `UserError` for a run that is not there."""

    @property
    def kind(self) -> SourceKind:
        """Which of these it is."""

    @property
    def runs(self) -> RunSource:
        """Its runs."""

    def path(self, run: str) -> Path:
        """The folder of `run`, which is on this machine whatever the source is."""

    def agents(self) -> rq.Agents | None:
        """The agents; None where there is no controller that could have any."""

    async def watch(self, run: str) -> RunView | None:
        """The live view of a run that goes on, brought up to date; None of one that does not."""

    def monitored(self) -> Monitored:
        """What Prometheus reads of it."""

    def study_folders(self) -> list[Path]:
        """The folders of the studies that are here, by name."""

    async def cancel(self, run: str, by: str) -> str:
        """End `run` in good order because `by` asked for it; what was done, in words.

        :raises BusyError: it is over, or not this source's to end.
        """

    async def cancel_study(self, study: str, by: str) -> str:
        """End `study` in good order because `by` asked for it; what was done, in words.

        :raises BusyError: it is over, or not this source's to end.
        """


def monitored_runs(views: Mapping[str, RunView]) -> tuple[MonitoredRun, ...]:
    """Runs that go on, with as many links as are exposed: those of the first runs first."""
    found, room = [], MOST_LINKS
    for run, view in views.items():
        links = view.links(room)
        room -= len(links)
        found.append(MonitoredRun(run, str(view.now), view.budget_ns, links, view.link_count - len(links)))
    return tuple(found)
