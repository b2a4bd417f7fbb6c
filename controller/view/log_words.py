"""How a controller's log reads on a terminal: a sentence for each event, where a file gets JSON."""

from __future__ import annotations

from datetime import datetime
from typing import IO

from plctl.common.base.log import Event
from plctl.common.base.printable import printable
from plctl.controller.view.event_text import details

#: What is said of an event; every name in braces is one of its facts.
_SENTENCES = {
    "controller.listening": "listening on {address}; the folders of runs are in {runs_folder}",
    "controller.leaving": "leaving ({cause})",
    "controller.left": "gone; runs that go on are left to their agents",
    "agent.connected": "agent {agent} is here, from {address}",
    "agent.returned": "agent {agent} answers again",
    "agent.silent": "agent {agent} is silent: {cause}",
    "agent.gone": "agent {agent} is gone: {cause}",
    "agent.forgotten": "agent {agent}: {cause}",
    "run.submitted": "run {run} of {client}: {links} links, {hosts} hosts",
    "run.resumed": "run {run} goes on ({phase}): {cause}",
    "journal.refused": "trying again: {cause}",
    "run.broke": "run {run} failed: {cause}",
    "run.done": "run {run} is over, its report written",
    "run.not_completed": "run {run} is over; its report could not be written: {cause}",
}


class LogInWords:
    """A sink for events that writes a line of words for each to `stream`, by this machine's clock and time zone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write `event`."""
        at = datetime.fromisoformat(str(event["ts"])).astimezone()
        self._stream.write(printable(f"{at:%H:%M:%S}  {sentence(event)}") + "\n")
        self._stream.flush()


def sentence(event: Event) -> str:
    """What happened; of an event that has no sentence its name and facts."""
    name = str(event["event"])
    if name == "run.judged":
        return f"run {event['run']}: {event['verdict']}" + f", {event['cause']}" * bool(event["cause"])
    if name == "peer.refused":
        again = f" ({event['also_refused']} times more since)" if event["also_refused"] else ""
        return f"refused {event['peer'] or 'somebody'} from {event['address']}: {event['cause']}{again}"
    if name in _SENTENCES:
        return _SENTENCES[name].format_map(event)
    return f"{name}  {details(event)}".rstrip()
