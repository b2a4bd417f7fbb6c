"""One run of this process as the page has it: it hears what the run's session says, and can have it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from plctl.common.base.errors import BusyError
from plctl.common.telemetry.samples import Samples
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.service.run_view import RunView


class EmbeddedRun:
    """A run that goes on; a `RunWatcher` of it."""

    def __init__(self, folder: RunFolder, forget: Callable[[], object]) -> None:
        """Of the run that writes `folder`, whose plan is recorded; `forget` is called once that is complete."""
        assert folder.record is not None
        self.view = RunView(folder.record)
        self.now = RunPhase.NEW
        self._run = folder.run
        self._forget = forget
        self._cancel: Callable[[str], object] | None = None

    def begin(self, cancel: Callable[[str], object]) -> None:
        """As `RunWatcher` has it."""
        self._cancel = cancel

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """As `Observer` has it."""
        self.now = phase
        self.view.phase(phase, t0_ns)

    def samples(self, host: str, samples: Samples) -> None:
        """As `Observer` has it."""
        self.view.samples(host, samples)

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """As `Observer` has it."""
        self.view.note(event, host, link, facts)

    def complete(self) -> None:
        """As `RunWatcher` has it."""
        self._forget()

    def cancel(self, cause: str) -> None:
        """End it in good order.

        :raises BusyError: it has not begun yet.
        """
        if self._cancel is None:
            raise BusyError(f"run {self._run} has not begun yet; try again in a moment")
        self._cancel(cause)
