"""Follows a run on the screen: a table that stays in place on a terminal, plain lines every few seconds elsewhere.

    with LiveView(console, plans, duration_ns) as view:
        view.set_state("leo-0", "ready")
        view.start(t0_ns)
        view.update(samples)                # as often as telemetry comes
        view.tick()                         # a few times a second, so that the clock goes on

What is shown is a pure function of a `LiveModel` and an instant (`render`, `lines`); only `LiveView` touches a console.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from plctl.common.base.printable import printable
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED, format_duration, format_rate, format_size
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.samples import Samples
from plctl.controller.lifecycle.waits import Waits
from plctl.controller.view.live_model import DROP_CAUSES, LinkNow, LiveModel
from plctl.controller.view.screen import say
from plctl.controller.view.steady_view import SteadyView

#: Between two plain lines.
LINES_EVERY_NS = 5 * NS_PER_S
#: Between two pictures on a terminal.
_PICTURE_EVERY_NS = 100 * NS_PER_MS
#: Links that have a plain line of their own; of more only the sum is told.
_MAX_LINES = 3
_HEADERS = ("link", "state", "row", "delay\nms", "rate\nMbit/s", "up\nMbit/s", "down\nMbit/s", "queue\nkB", "dropped",
            "late p99\nms", "lost")  # fmt: skip
#: Columns that are there if any link has something in them.
_EXTRA: dict[str, Callable[[LinkNow], float]] = {
    "marked": lambda line: line.marked,
    "AQM\n%": lambda line: line.aqm_ppm / 10_000,
}
_FIRST_NUMBER = 2
_CHROME_LINES = 10  #: of the picture that are no links


class LiveView(SteadyView):
    """A run that goes on."""

    def __init__(
        self,
        console: Console,
        plans: Iterable[LinkPlan],
        duration_ns: int = 0,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        waits: Waits | None = None,
    ) -> None:
        """Follow the links in `plans` for `duration_ns` after T0 (0: it is not known how long).

        :param waits: knows what the run waits for, from what `note` is told; without it the model has to be told.
        """
        super().__init__(console, clock_ns, picture_every_ns=_PICTURE_EVERY_NS, lines_every_ns=LINES_EVERY_NS)
        self.model = LiveModel(plans, duration_ns)
        self._waits = waits

    def set_phase(self, phase: str) -> None:
        """The run as a whole is now in `phase`, one word such as preparing or releasing."""
        if phase != self.model.phase:
            self.model.phase = phase
            self._show()

    def set_state(self, link: str, state: str, cause: str = "") -> None:
        """`link` is now in `state`; `cause` says why, if that is a bad one."""
        self.model.set_state(link, state, cause)
        if cause and not self._has_picture:
            say(self._console, f"{link}: {state}: {cause}")
        self.tick()

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """Take in an event of the run's log."""
        if self._waits:
            self._waits.note(event, host, link, facts)
        if link and event.startswith("link."):
            self.set_state(link, event.removeprefix("link."), str(facts.get("cause", "")))
        elif event == "scenario.changed" and not self._has_picture:
            say(self._console, f"{link}: {facts.get('by')} changed {facts.get('what')}")

    def start(self, t0_ns: int) -> None:
        """Scenario time counts from `t0_ns`, on the clock that the view was given."""
        self.model.t0_ns = t0_ns
        self.set_phase("running")

    def update(self, samples: Samples) -> None:
        """Take in telemetry."""
        self.model.add(samples)
        self.tick()

    def _picture(self, now_ns: int) -> RenderableType:
        self._look_what_is_waited_for(now_ns)
        return render(self.model, now_ns, self._console.height - _CHROME_LINES)

    def _lines(self, now_ns: int) -> list[str]:
        self._look_what_is_waited_for(now_ns)
        return lines(self.model, now_ns)

    def _look_what_is_waited_for(self, now_ns: int) -> None:
        if self._waits:
            known = self._waits.phase == self.model.phase  # the log follows in a moment
            self.model.waits = self._waits.told(now_ns, self.model.t0_ns or 0) if known else ""


def render(model: LiveModel, now_ns: int, max_links: int) -> RenderableType:
    """The picture of `model` at `now_ns`: progress, then a table of at most `max_links` links and their sum."""
    shown = model.worst(max(1, max_links))
    extra = [name for name in _EXTRA if any(_EXTRA[name](line) for line in model.links.values())]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for number, name in enumerate([*_HEADERS, *extra]):
        table.add_column(name, justify="right" if number >= _FIRST_NUMBER else "left", no_wrap=True)
    for line in shown:
        table.add_row(*_cells(line), *(Text(_short(_EXTRA[name](line))) for name in extra))
    hidden = len(model.links) - len(shown)
    note = [Text(f"… and {hidden} more links; the worst are shown", style="dim")] if hidden else []
    if any(half.is_mean for line in shown for half in (line.up, line.down)):
        note.append(Text("~ mean of delivery opportunities", style="dim"))
    causes = [Text(printable(f"{line.name}: {line.cause}"), style="red") for line in shown if line.cause]
    waits = [Text(printable(model.waits), style="yellow")] if model.waits else []
    return Group(_progress(model, now_ns), Text(), table, *note, Text(summary(model), style="dim"), *waits, *causes[:5])


def lines(model: LiveModel, now_ns: int) -> list[str]:
    """The plain lines that say the same: one for each link if they are few, else one for all."""
    head = f"{model.phase}, {_time(model, now_ns)}: " if model.t0_ns is not None else f"{model.phase}: "
    waits = [printable(head + model.waits)] if model.waits else []
    if len(model.links) > _MAX_LINES or model.t0_ns is None:
        return [head + summary(model), *waits]
    return [*(head + _plain(line) for line in model.links.values()), *waits]


def summary(model: LiveModel) -> str:
    """All links in one line."""
    links = list(model.links.values())
    states = ", ".join(f"{count} {state}" for state, count in Counter(line.state for line in links).items())
    late = max((line.lateness_p99_ns for line in links), default=-1)
    parts = [
        f"{len(links)} {'link' if len(links) == 1 else 'links'} ({states})",
        f"up {format_rate(sum(line.up.carried_bps for line in links))}",
        f"down {format_rate(sum(line.down.carried_bps for line in links))}",
        _gone(links),
        f"worst lateness p99 {_late(late)}",
        f"lost by the machine {sum(line.lost for line in links)}",
    ]
    return ", ".join(parts)


def _gone(links: Collection[LinkNow]) -> str:
    """What the path dropped of all frames so far, by cause, and what its queues marked, if they did."""
    drops = [sum(each) for each in zip(*(line.drops for line in links), strict=True)]
    causes = ", ".join(f"{cause} {count}" for cause, count in zip(DROP_CAUSES, drops, strict=False) if count)
    marked = sum(line.marked for line in links)
    return f"dropped {sum(drops)}" + f" ({causes})" * bool(causes) + f", marked {marked}" * bool(marked)


def _plain(line: LinkNow) -> str:
    mean = "on average " if line.up.is_mean else ""
    return (
        f"{line.name} {line.state}, row {line.up.row + 1}/{line.rows}, asked {format_duration(line.up.delay_ns)}"
        f" {mean}{format_rate(line.up.rate_bps)}, up {format_rate(line.up.carried_bps)},"
        f" down {format_rate(line.down.carried_bps)}, queue {format_size(line.queue_bytes)}, {_gone([line])},"
        f" lateness p99 {_late(line.lateness_p99_ns)}, lost by the machine {line.lost}"
    )


def _cells(line: LinkNow) -> list[Text]:
    """A link's row of the table; delay and rate are what is asked, the other direction's too if it differs."""
    both = (line.up, line.down)
    late = line.lateness_p99_ns
    return [
        Text(line.name, style="bold"),
        Text(line.state, style="red" if line.cause else ""),
        Text(f"{line.up.row + 1}/{line.rows}"),
        Text(" | ".join(dict.fromkeys(_short(half.delay_ns / NS_PER_MS) for half in both))),
        Text(" | ".join(dict.fromkeys("~" * half.is_mean + _megabits(half.rate_bps) for half in both))),
        *(Text(_megabits(half.carried_bps)) for half in both),
        Text(_short(line.queue_bytes / 1000)),
        Text(str(line.dropped)),
        Text(_short(late / NS_PER_MS) if late >= 0 else "–"),
        Text(str(line.lost), style="bold red" if line.lost else ""),
    ]


def _short(value: float) -> str:
    """`value` to three digits, so that the table fits a terminal of 80 columns."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _megabits(rate_bps: int) -> str:
    return "∞" if rate_bps >= RATE_UNLIMITED else _short(rate_bps / 10**6)


def _progress(model: LiveModel, now_ns: int) -> RenderableType:
    title = Text.assemble((model.phase, "bold"), "  ", _time(model, now_ns) if model.t0_ns is not None else "")
    if not model.duration_ns:
        return title
    bar = ProgressBar(total=model.duration_ns, completed=model.elapsed_ns(now_ns), width=40)
    grid = Table.grid(padding=(0, 2))
    grid.add_row(bar, title)
    return grid


def _time(model: LiveModel, now_ns: int) -> str:
    elapsed = f"{model.elapsed_ns(now_ns) / NS_PER_S:.1f} s"
    return f"{elapsed} of {format_duration(model.duration_ns)}" if model.duration_ns else elapsed


def _late(ns: int) -> str:
    return format_duration(ns) if ns >= 0 else "–"
