"""Reads epochs of NetSatBench's, each a JSON file: what becomes of the links between named nodes at one instant.

The link of one pair of nodes is read; files that are given together are one scenario. Source: the documentation of
NetSatBench.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.scenario.readers.formats.json_text import ItemError, load_json, place_of
from plctl.common.scenario.readers.formats.records import at_most
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import OUTAGE, UNCHANGED, Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_VALUE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)")
#: As `tc` has them.
_RATES = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9, "tbit": 10**12,
          "bps": 8, "kbps": 8 * 10**3, "mbps": 8 * 10**6, "gbps": 8 * 10**9}  # fmt: skip
_TIMES = {"s": NS_PER_S, "sec": NS_PER_S, "ms": NS_PER_MS, "msec": NS_PER_MS, "us": NS_PER_US, "usec": NS_PER_US}
_PPB_PER_PERCENT = 10**7


def _pair(text: str) -> frozenset[str]:
    nodes = frozenset(name.strip() for name in text.split(","))
    if len(nodes) != 2 or "" in nodes:
        raise UserError("a pair is two nodes with a comma between them")
    return nodes


class NetSatBench:
    """The reader of them."""

    title = "an epoch of NetSatBench's (JSON with links-add, links-update, links-del)"
    options: Sequence[ReaderOption] = (
        ReaderOption("pair", _pair, None, "The two nodes whose link is meant, e.g. `usr1,sat2`."),
    )

    def recognises(self, lines: Sequence[str]) -> bool:
        """By the names of its keys."""
        text = "\n".join(lines)
        return text.startswith("{") and any(f'"links-{verb}"' in text for verb in ("add", "update", "del"))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        document = load_json(file)
        try:
            at_ns, changes = _when(document), list(_changes(document))
            row = _row(changes, options["pair"] or _only_pair(changes))
        except ItemError as error:
            raise file.refusal(str(error), *place_of(file.text, error.path)) from None
        except ValueError as error:
            raise file.refusal(str(error), 1, 1) from None
        columns = {"time_ns": array("q", [0]), **{name: array("q", [value]) for name, value in row.items()}}
        return Trace((Part(columns, epoch_ns=at_ns),))


READER = NetSatBench()
#: Where in the document an item stands, which pair of nodes it is of, and what it says.
_Change = tuple[tuple[str, int], frozenset[str], Mapping[str, Any]]


def _when(document: Any) -> int:
    word = document.get("time") if isinstance(document, dict) else None
    try:
        at = datetime.fromisoformat(word) if isinstance(word, str) else None
    except ValueError:
        at = None
    if at is None:
        raise ItemError(("time",), f"has no time in ISO 8601, e.g. 2024-06-01T12:00:00Z: {quote(str(word))}")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def _changes(document: Mapping[str, Any]) -> Iterator[_Change]:
    """What is done to which pair, in the order in which it takes effect."""
    for verb in ("del", "update", "add"):
        links = document.get(f"links-{verb}", [])
        if not isinstance(links, list):
            raise ItemError((f"links-{verb}",), f"links-{verb} is not a list")
        for number, link in enumerate(links, 1):
            named = [link.get(f"endpoint{end}") for end in (1, 2)] if isinstance(link, dict) else []
            ends = {end for end in named if isinstance(end, str)}
            if len(ends) != 2:
                path = (f"links-{verb}", number - 1)
                raise ItemError(path, f"link {number} of links-{verb} has no endpoint1 and endpoint2, two names")
            yield (f"links-{verb}", number - 1), frozenset(ends), link


def _only_pair(changes: Sequence[_Change]) -> frozenset[str]:
    pairs = {pair for _, pair, _ in changes}
    if len(pairs) != 1:
        names = sorted(",".join(sorted(pair)) for pair in pairs)
        shown = " ".join(names[:5]) or "none"
        raise ValueError(f"has links of {len(pairs)} pairs; say which by pair=, e.g. one of: {shown}")
    return next(iter(pairs))


def _row(changes: Sequence[_Change], pair: frozenset[str]) -> dict[str, int]:
    """What the epoch says of `pair`; what it does not say stays as it was."""
    row = {"rate_bps": UNCHANGED, "delay_ns": UNCHANGED, "loss_ppb": UNCHANGED, OUTAGE: UNCHANGED}
    for place, nodes, link in changes:
        if nodes == pair:
            gone = place[0] == "links-del"
            row[OUTAGE] = int(gone)
            row |= _said(place, link) if not gone else {}
    return row


def _said(place: tuple[str, int], link: Mapping[str, Any]) -> dict[str, int]:
    """What an item of the document says; `place` is where it stands there."""
    found: dict[str, int] = {}
    for key, name, units, example in (("rate", "rate_bps", _RATES, "10mbit"), ("delay", "delay_ns", _TIMES, "5ms")):
        try:
            if key in link:
                found[name] = at_most(name, _read(link[key], units, f"{key}, e.g. {example}"))
        except ValueError as error:
            raise ItemError((*place, key), str(error)) from None
    if "loss" in link:
        loss = link["loss"]
        if isinstance(loss, bool) or not isinstance(loss, int | Decimal) or not 0 <= loss <= 100:
            raise ItemError((*place, "loss"), f"{quote(str(loss))} is no loss; legal is a percentage from 0 to 100")
        found["loss_ppb"] = int((Decimal(loss) * _PPB_PER_PERCENT).to_integral_value())
    return found


def _read(value: Any, units: Mapping[str, int], what: str) -> Decimal:
    match = _VALUE.fullmatch(value) if isinstance(value, str) else None
    unit = units.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"{quote(str(value))} is no {what}")
    return Decimal(match[1]) * unit
