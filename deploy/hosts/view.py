"""Shows a deployment: a line for each host and a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from plctl.deploy.hosts.result import HostResult, Outcome
from plctl.deploy.inventory.host import Host

_OUTCOMES = tuple(Outcome)
_STYLES = {"failed": "bold red", "changed": "green", "removed": "green", "unchanged": "dim", "would change": "yellow"}
_BAR = 40


class DeployView:
    """The one place where a deployment that goes on is written to `console`."""

    def __init__(self, console: Console, hosts: Sequence[Host]) -> None:
        self._console = console
        self._lines = {host.name: ("", "") for host in hosts}
        self._live: Live | None = None

    def __enter__(self) -> DeployView:
        if self._console.is_terminal:
            self._live = Live(self._render(), console=self._console, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.update(self._render(), refresh=True)
            self._live.stop()

    def tell(self, host: str, step: str, text: str) -> None:
        """`host` is now at `step`; `text` says more."""
        if self._lines[host] == (step, text):
            return
        self._lines[host] = (step, text)
        if self._live:
            self._live.update(self._render())
        elif text or step in _OUTCOMES:
            self._console.print(Text(f"{host}: {step}" + (f": {text}" if text else "")), soft_wrap=True)

    def _render(self) -> RenderableType:
        done = sum(step in _OUTCOMES for step, _ in self._lines.values())
        bar = Table.grid(padding=(0, 2))
        bar.add_row(ProgressBar(total=len(self._lines), completed=done, width=_BAR), f"{done}/{len(self._lines)} hosts")
        table = Table(box=None, pad_edge=False, show_header=False)
        for host, (step, text) in self._lines.items():
            table.add_row(Text(host, style="bold"), Text(step or "waits", style=_STYLES.get(step, "")), Text(text))
        return Group(bar, table)


def summary(results: Sequence[HostResult]) -> str:
    """All hosts in one line."""
    counts = Counter(str(result.outcome) for result in results)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _OUTCOMES if counts[outcome])
    return f"{len(results)} {'host' if len(results) == 1 else 'hosts'}: {parts}"


def show_changes(console: Console, results: Sequence[HostResult]) -> None:
    """What would change on each host, with the text of the unit; a text that several hosts share is shown once."""
    shown: dict[str, str] = {}
    for result in results:
        if result.outcome is not Outcome.WOULD_CHANGE or not result.changes:
            continue
        console.print(Text(f"\n{result.host}", style="bold"), Text(f"  {result.facts}", style="dim"), sep="")
        for change in result.changes:
            console.print(Text(f"  {change.step:<8} {change.text}"), soft_wrap=True)
            if change.detail and change.detail in shown:
                console.print(Text(f"    as on {shown[change.detail]}"))
            elif change.detail:
                shown[change.detail] = result.host
                _show_diff(console, change.detail)


def _show_diff(console: Console, diff: str) -> None:
    for line in diff.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        console.print(Text(f"    {line}", style=style), soft_wrap=True)
