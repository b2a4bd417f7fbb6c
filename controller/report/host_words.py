"""Says in words on what machine links ran, and how its forwarder was allowed to work; every fact as it is below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plctl.common.base.units import format_size
from plctl.controller.report.markup import Markup, element, join

_FORWARDER = "forwarder_"


def host_part(facts: Mapping[str, str]) -> Markup:
    """One sentence for the machine, one for its forwarder, and a folded table of all that is known."""
    if not facts:
        return Markup()
    rows = [element("tr", element("td", name), element("td", value)) for name, value in facts.items()]
    known = element("div", element("table", element("tbody", *rows)), class_="scroll")
    sentences = [f"{', '.join(parts)}. " for parts in ([*_machine(facts)], [*_forwarder(facts)]) if parts]
    return join(*sentences, element("details", element("summary", "all that is known of it"), known))


def _machine(facts: Mapping[str, str]) -> Iterator[str]:
    yield from filter(None, (facts.get("host"), facts.get("cpu_model")))
    if cpus := facts.get("cpus"):
        yield f"{cpus} CPU{'' if cpus == '1' else 's'}"
    if (memory := facts.get("memory_bytes", "")).isdecimal():
        free = facts.get("memory_available_bytes", "")
        yield f"{_gigabytes(memory)} of memory" + (f" ({_gigabytes(free)} available)" if free.isdecimal() else "")
    yield from filter(None, (facts.get("architecture"),))
    for name, word in (("kernel", "Linux"), ("clock_source", "clock source"), ("plctl", "plctl"), ("python", "Python")):
        if value := facts.get(name):
            yield f"{word} {value}"


def _forwarder(facts: Mapping[str, str]) -> Iterator[str]:
    """How the forwarder worked. The facts are texts of whatever the agent knew, lists and truth values included."""
    own = {name.removeprefix(_FORWARDER): value for name, value in facts.items() if name.startswith(_FORWARDER)}
    if not own:
        return
    ways = {"auto": "XDP sockets where they work", "xdp": "XDP sockets", "packet": "packet sockets"}
    yield f"Forwarder: frames by {ways.get(own.get('io', ''), own.get('io', 'what is not known'))}"
    if workers := own.get("workers", "").strip("[]").replace("'", ""):
        yield f"workers on {workers}" if not workers.isdecimal() else "workers as plctl chose them"
    if spin := own.get("spin"):
        yield f"{spin} spinning" + (f" for up to {own['spin_budget']} of a CPU" if spin == "adaptive" else "")
    if (priority := own.get("real_time", "0")) != "0":
        yield f"real-time priority {priority}"
    yield "memory locked" if own.get("locked_memory") == "True" else "memory not locked"
    if refused := own.get("refused", "").strip("[]"):
        yield f"not granted: {refused}"


def _gigabytes(text: str) -> str:
    """A number of bytes, to a tenth of a gigabyte where it is that large."""
    count = int(text)
    return format_size(round(count, -8) if count >= 10**9 else count)
