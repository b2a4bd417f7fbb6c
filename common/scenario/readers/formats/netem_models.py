"""The models of netem-trace as lists of durations and values; of patterns only the outermost is left to repeat."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.scenario.schedule import MAX_ROWS

_DEPTH = 20
_DEFAULT_SEED = 42
_PPB = 10**9
_WORD = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ/]+)")
_TIMES = {
    **dict.fromkeys(("nsec", "ns", "nanos"), 1), **dict.fromkeys(("usec", "us", "µs"), NS_PER_US),
    **dict.fromkeys(("msec", "ms", "millis"), NS_PER_MS),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), NS_PER_S),
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m"), 60 * NS_PER_S),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600 * NS_PER_S),
    **dict.fromkeys(("day", "days", "d"), 86_400 * NS_PER_S),
}  # fmt: skip
_RATES = {"bps": 1, "kbps": 10**3, "mbps": 10**6, "gbps": 10**9, "tbps": 10**12}

Step = tuple[int, int]  #: duration in ns, value in plctl's unit


@dataclass(frozen=True, slots=True)
class Steps:
    """A trace of one field of a row."""

    field: str
    values: list[Step]
    repeats: bool  #: for ever
    drawn: bool  #: some values are random


def expand(document: Any) -> Steps:
    """The steps of the model in `document`.

    :raises ValueError: it has none that is known, or one with a parameter that is wrong; the message says where.
    """
    name, body = _model(document, "the trace")
    kind = next((each for each in _FIELDS if each in name), "")
    if not kind:
        raise ValueError(f"{quote(name)} is no model that is read; legal are models of Bw, Delay and Loss")
    expander = _Expander(kind)
    repeats = name == f"Repeated{kind}PatternConfig" and body.get("count", 0) == 0
    values = []
    for step in expander.steps({name: {**body, "count": 1}} if repeats else document, "the trace", 0):
        values.append(step)
        if len(values) > MAX_ROWS:
            raise ValueError(f"the trace has more than the {MAX_ROWS} rows that a scenario may have")
    return Steps(_FIELDS[kind], values, repeats, expander.drawn)


_FIELDS = {"Bw": "rate_bps", "Delay": "delay_ns", "Loss": "loss_ppb"}


class _Expander:
    """Makes steps of models of one kind of value."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.drawn = False
        self.read: Callable[[Any, str], int] = {"Bw": _rate, "Delay": _time, "Loss": _loss}[kind]
        self.models: Mapping[str, Callable[[Mapping[str, Any], str, int], Iterator[Step]]] = {
            f"Static{kind}Config": self._static,
            f"Repeated{kind}PatternConfig": self._repeated,
            f"Trace{kind}Config": self._trace,
            **({"NormalizedBwConfig": self._normalized, "SawtoothBwConfig": self._sawtooth} if kind == "Bw" else {}),
        }

    def steps(self, document: Any, where: str, depth: int) -> Iterator[Step]:
        name, body = _model(document, where)
        if name not in self.models:
            raise ValueError(f"{where}: {quote(name)} is no model that is read; legal are {', '.join(self.models)}")
        if depth > _DEPTH:
            raise ValueError(f"{where} is nested more than {_DEPTH} deep")
        yield from self.models[name](body, f"{where}, {name}", depth)

    def _static(self, body: Mapping[str, Any], where: str, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        default = {"Bw": "12Mbps", "Delay": "10ms", "Loss": [Decimal("0.1"), Decimal("0.2")]}[self.kind]
        duration_ns = _time(body.get("duration", "1s"), f"{where}, duration")
        if duration_ns:
            yield duration_ns, self.read(body.get(self.kind.lower(), default), where)

    def _repeated(self, body: Mapping[str, Any], where: str, depth: int) -> Iterator[Step]:
        pattern, count = body.get("pattern"), body.get("count", 0)
        if not isinstance(pattern, list) or not isinstance(count, int) or count < 0:
            raise ValueError(f"{where} needs a list as pattern and a whole number as count")
        if not count:
            raise ValueError(f"{where} repeats for ever within another pattern, so that nothing comes after it")
        if not pattern:
            return
        for _ in range(count):
            empty = True
            for index, each in enumerate(pattern, 1):
                for step in self.steps(each, f"{where}, item {index}", depth + 1):
                    empty = False
                    yield step
            if empty:
                return

    def _trace(self, body: Mapping[str, Any], where: str, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        pattern = body.get("pattern")
        if not isinstance(pattern, list):
            raise ValueError(f"{where} needs a list as pattern")
        for index, each in enumerate(pattern, 1):
            if not (isinstance(each, list) and len(each) == 2 and isinstance(each[1], list)):
                raise ValueError(f"{where}, item {index} is no pair of a duration and a list of values")
            duration_ns = _time(each[0], f"{where}, item {index}")
            yield from ((duration_ns, self.read(value, f"{where}, item {index}")) for value in each[1] if duration_ns)

    def _normalized(self, body: Mapping[str, Any], where: str, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        rate = partial(_optional, body, _rate, where)
        mean, deviation = rate("mean", 12 * 10**6), rate("std_dev", 0)
        least, most = rate("lower_bound", 0), rate("upper_bound", 2**62)
        draw = random.Random(body.get("seed", _DEFAULT_SEED))
        self.drawn |= bool(deviation)
        for duration_ns in _pieces(body, where):
            yield duration_ns, min(max(round(draw.gauss(mean, deviation)), least, 0), most)

    def _sawtooth(self, body: Mapping[str, Any], where: str, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        rate = partial(_optional, body, _rate, where)
        bottom, top, deviation = rate("bottom", 0), rate("top", 12 * 10**6), rate("std_dev", 0)
        least, most = rate("lower_noise_bound", 2**62), rate("upper_noise_bound", 2**62)
        interval_ns = _optional(body, _time, where, "interval", NS_PER_S)
        ratio = Decimal(str(body.get("duty_ratio", "0.5")))
        if not interval_ns or not 0 <= ratio <= 1:
            raise ValueError(f"{where} needs an interval, and a duty_ratio from 0 to 1")
        turn_ns = interval_ns * ratio
        draw = random.Random(body.get("seed", _DEFAULT_SEED))
        self.drawn |= bool(deviation)
        at_ns = 0
        for duration_ns in _pieces(body, where):
            share = at_ns / turn_ns if at_ns < turn_ns else 1 - (at_ns - turn_ns) / (interval_ns - turn_ns)
            noise = min(max(draw.gauss(0, deviation), -least), most) if deviation else 0
            yield duration_ns, max(0, int(bottom + (top - bottom) * share + Decimal(noise)))
            at_ns = (at_ns + duration_ns) % interval_ns


def _model(document: Any, where: str) -> tuple[str, Mapping[str, Any]]:
    """The only key of `document`, which names a model, and its parameters."""
    if not isinstance(document, dict) or len(document) != 1:
        raise ValueError(f"{where} is not a mapping of one model, e.g. StaticBwConfig, to its parameters")
    name, body = next(iter(document.items()))
    if not isinstance(body, dict):
        raise ValueError(f"{where}: {quote(str(name))} has no parameters")
    return str(name), body


def _pieces(body: Mapping[str, Any], where: str) -> Iterator[int]:
    """The durations of the steps of a model that has a step."""
    rest_ns = _optional(body, _time, where, "duration", NS_PER_S)
    step_ns = _optional(body, _time, where, "step", NS_PER_MS)
    if not step_ns:
        raise ValueError(f"{where}: the step is 0")
    while rest_ns:
        yield min(step_ns, rest_ns)
        rest_ns -= min(step_ns, rest_ns)


def _optional(body: Mapping[str, Any], read: Callable[[Any, str], int], where: str, name: str, default: int) -> int:
    return read(body[name], f"{where}, {name}") if name in body else default


def _time(value: Any, where: str) -> int:
    """Nanoseconds in e.g. ``1s``, ``1s 500ms`` or ``{"secs": 1, "nanos": 0}``."""
    refusal = f"{where}: {quote(str(value))} is not a duration, e.g. 1s"
    return _amount(value, _TIMES, {"secs": NS_PER_S, "nanos": 1}, refusal)


def _rate(value: Any, where: str) -> int:
    """Bits per second in e.g. ``12Mbps`` or ``{"gbps": 0, "bps": 12000000}``."""
    refusal = f"{where}: {quote(str(value))} is not a rate, e.g. 12Mbps"
    return _amount(value, _RATES, {"gbps": 10**9, "bps": 1}, refusal)


def _amount(value: Any, units: Mapping[str, int], parts: Mapping[str, int], refusal: str) -> int:
    """`value` as words with `units`, or as a mapping of these `parts`."""
    if isinstance(value, dict):
        whole = all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in value.values())
        if value and whole and value.keys() <= parts.keys():
            return sum(each * parts[name] for name, each in value.items())
    elif isinstance(value, str):
        total = Decimal()
        words = _WORD.findall(value)
        for number, unit in words:
            size = units.get(unit) or units.get(unit.lower())
            if size is None:
                raise ValueError(refusal)
            total += Decimal(number) * size
        if words and not _WORD.sub("", value).strip():
            return int(total.to_integral_value())
    raise ValueError(refusal)


def _loss(value: Any, where: str) -> int:
    """The loss probability, in 10⁻⁹, of a pattern that does not depend on the losses before."""
    if not isinstance(value, list) or not all(isinstance(each, int | Decimal) and 0 <= each <= 1 for each in value):
        raise ValueError(f"{where}: {quote(str(value))} is no list of probabilities from 0 to 1")
    if len(set(value)) > 1:
        remedy = "give it in the run spec, as loss: {pattern: …}"
        raise ValueError(f"{where}: a loss that depends on the losses before is no column of a scenario; {remedy}")
    return int((Decimal(value[0]) * _PPB).to_integral_value()) if value else 0
