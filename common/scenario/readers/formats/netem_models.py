"""The models of netem-trace as lists of durations and values; of patterns only the outermost is left to repeat."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.scenario.readers.formats.json_text import ItemError
from plctl.common.scenario.schedule import MAX_ROWS

_DEPTH = 20
_DEFAULT_SEED = 42
_PPB = 10**9
_MOST = 2**62  # ns, and bit/s
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


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """Where in a document something stands, in words and as a path."""

    words: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return self.words

    def key(self, name: str) -> ModelPlace:
        """What has this name in it."""
        return ModelPlace(f"{self.words}, {name}", (*self.path, name))

    def item(self, number: int) -> ModelPlace:
        """The item of its pattern with this number, from 1."""
        return ModelPlace(f"{self.words}, item {number}", (*self.path, "pattern", number - 1))

    def fault(self, text: str) -> ItemError:
        """That something is wrong there, to be raised."""
        return ItemError(self.path, text)


_TRACE = ModelPlace("the trace")
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
    name, body = _model(document, _TRACE)
    kind = next((each for each in _FIELDS if each in name), "")
    if not kind:
        raise _TRACE.fault(f"{quote(name)} is no model that is read; legal are models of Bw, Delay and Loss")
    expander = _Expander(kind)
    repeats = name == f"Repeated{kind}PatternConfig" and body.get("count", 0) == 0
    values = []
    for step in expander.steps({name: {**body, "count": 1}} if repeats else document, _TRACE, 0):
        values.append(step)
        if len(values) > MAX_ROWS:
            raise _TRACE.fault(f"the trace has more than the {MAX_ROWS} rows that a scenario may have")
    return Steps(_FIELDS[kind], values, repeats, expander.drawn)


_FIELDS = {"Bw": "rate_bps", "Delay": "delay_ns", "Loss": "loss_ppb"}


class _Expander:
    """Makes steps of models of one kind of value."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.drawn = False
        self.read: Callable[[Any, ModelPlace], int] = {"Bw": _rate, "Delay": _time, "Loss": _loss}[kind]
        self.models: Mapping[str, Callable[[Mapping[str, Any], ModelPlace, int], Iterator[Step]]] = {
            f"Static{kind}Config": self._static,
            f"Repeated{kind}PatternConfig": self._repeated,
            f"Trace{kind}Config": self._trace,
            **({"NormalizedBwConfig": self._normalized, "SawtoothBwConfig": self._sawtooth} if kind == "Bw" else {}),
        }

    def steps(self, document: Any, where: ModelPlace, depth: int) -> Iterator[Step]:
        name, body = _model(document, where)
        if name not in self.models:
            raise where.fault(f"{where}: {quote(name)} is no model that is read; legal are {', '.join(self.models)}")
        if depth > _DEPTH:
            raise where.fault(f"{where} is nested more than {_DEPTH} deep")
        yield from self.models[name](body, where.key(name), depth)

    def _static(self, body: Mapping[str, Any], where: ModelPlace, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        default = {"Bw": "12Mbps", "Delay": "10ms", "Loss": [Decimal("0.1"), Decimal("0.2")]}[self.kind]
        duration_ns = _time(body.get("duration", "1s"), where.key("duration"))
        if duration_ns:
            yield duration_ns, self.read(body.get(self.kind.lower(), default), where)

    def _repeated(self, body: Mapping[str, Any], where: ModelPlace, depth: int) -> Iterator[Step]:
        pattern, count = body.get("pattern"), body.get("count", 0)
        if not isinstance(pattern, list) or not isinstance(count, int) or count < 0:
            raise where.fault(f"{where} needs a list as pattern and a whole number as count")
        if not count:
            raise where.fault(f"{where} repeats for ever within another pattern, so that nothing comes after it")
        once = (step for i, each in enumerate(pattern, 1) for step in self.steps(each, where.item(i), depth + 1))
        steps = list(islice(once, MAX_ROWS + 1))  # of which more are refused
        for _ in range(count if steps else 0):
            yield from steps

    def _trace(self, body: Mapping[str, Any], where: ModelPlace, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        pattern = body.get("pattern")
        if not isinstance(pattern, list):
            raise where.fault(f"{where} needs a list as pattern")
        for index, each in enumerate(pattern, 1):
            if not (isinstance(each, list) and len(each) == 2 and isinstance(each[1], list)):
                raise where.fault(f"{where}, item {index} is no pair of a duration and a list of values")
            duration_ns = _time(each[0], where.item(index))
            yield from ((duration_ns, self.read(value, where.item(index))) for value in each[1] if duration_ns)

    def _normalized(self, body: Mapping[str, Any], where: ModelPlace, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        rate = partial(_optional, body, _rate, where)
        mean, deviation = rate("mean", 12 * 10**6), rate("std_dev", 0)
        least, most = rate("lower_bound", 0), rate("upper_bound", 2**62)
        draw = _generator(body, where)
        self.drawn |= bool(deviation)
        for duration_ns in _pieces(body, where):
            yield duration_ns, min(max(round(draw.gauss(mean, deviation)), least, 0), most)

    def _sawtooth(self, body: Mapping[str, Any], where: ModelPlace, depth: int) -> Iterator[Step]:  # noqa: ARG002  (as all models)
        rate = partial(_optional, body, _rate, where)
        bottom, top, deviation = rate("bottom", 0), rate("top", 12 * 10**6), rate("std_dev", 0)
        least, most = rate("lower_noise_bound", 2**62), rate("upper_noise_bound", 2**62)
        interval_ns = _optional(body, _time, where, "interval", NS_PER_S)
        ratio = body.get("duty_ratio", Decimal("0.5"))
        if not interval_ns or not _is_number(ratio) or not 0 <= ratio <= 1:
            raise where.fault(f"{where} needs an interval, and a duty_ratio from 0 to 1")
        turn_ns = interval_ns * Decimal(ratio)
        draw = _generator(body, where)
        self.drawn |= bool(deviation)
        at_ns = 0
        for duration_ns in _pieces(body, where):
            share = at_ns / turn_ns if at_ns < turn_ns else 1 - (at_ns - turn_ns) / (interval_ns - turn_ns)
            noise = min(max(draw.gauss(0, deviation), -least), most) if deviation else 0
            yield duration_ns, max(0, int(bottom + (top - bottom) * share + Decimal(noise)))
            at_ns = (at_ns + duration_ns) % interval_ns


def _model(document: Any, where: ModelPlace) -> tuple[str, Mapping[str, Any]]:
    """The only key of `document`, which names a model, and its parameters."""
    if not isinstance(document, dict) or len(document) != 1:
        raise where.fault(f"{where} is not a mapping of one model, e.g. StaticBwConfig, to its parameters")
    name, body = next(iter(document.items()))
    if not isinstance(body, dict):
        raise where.fault(f"{where}: {quote(str(name))} has no parameters")
    return str(name), body


def _is_number(value: Any) -> bool:
    """Whether it is a number as JSON has them; TOML also has some that are none."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, Decimal) and value.is_finite()
    )


def _generator(body: Mapping[str, Any], where: ModelPlace) -> random.Random:
    """Random numbers from the seed in `body`."""
    seed = body.get("seed", _DEFAULT_SEED)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**64:
        raise where.key("seed").fault(f"{where}: {quote(str(seed))} is no seed; legal is a whole number of 64 bits")
    return random.Random(seed)


def _pieces(body: Mapping[str, Any], where: ModelPlace) -> Iterator[int]:
    """The durations of the steps of a model that has a step."""
    rest_ns = _optional(body, _time, where, "duration", NS_PER_S)
    step_ns = _optional(body, _time, where, "step", NS_PER_MS)
    if not step_ns:
        raise where.fault(f"{where}: the step is 0")
    while rest_ns:
        yield min(step_ns, rest_ns)
        rest_ns -= min(step_ns, rest_ns)


def _optional(
    body: Mapping[str, Any], read: Callable[[Any, ModelPlace], int], where: ModelPlace, name: str, default: int
) -> int:
    return read(body[name], where.key(name)) if name in body else default


def _time(value: Any, where: ModelPlace) -> int:
    """Nanoseconds in e.g. ``1s``, ``1s 500ms`` or ``{"secs": 1, "nanos": 0}``."""
    return _amount(value, _TIMES, {"secs": NS_PER_S, "nanos": 1}, where, "a duration, e.g. 1s")


def _rate(value: Any, where: ModelPlace) -> int:
    """Bits per second in e.g. ``12Mbps`` or ``{"gbps": 0, "bps": 12000000}``."""
    return _amount(value, _RATES, {"gbps": 10**9, "bps": 1}, where, "a rate, e.g. 12Mbps")


def _amount(value: Any, units: Mapping[str, int], parts: Mapping[str, int], where: ModelPlace, what: str) -> int:
    """`value` as words with `units`, or as a mapping of these `parts`."""
    total = _sum_of_parts(value, parts) if isinstance(value, dict) else _sum_of_words(value, units)
    if total is None:
        raise where.fault(f"{where}: {quote(str(value))} is not {what}")
    if total > _MOST:
        raise where.fault(f"{where}: {quote(str(value))} is too large")
    return int(total)


def _sum_of_parts(value: Mapping[Any, Any], parts: Mapping[str, int]) -> int | None:
    numbers = [each for each in value.values() if isinstance(each, int) and not isinstance(each, bool) and each >= 0]
    if not value or len(numbers) < len(value) or not value.keys() <= parts.keys():
        return None
    return sum(number * parts[name] for name, number in zip(value, numbers, strict=True))


def _sum_of_words(value: Any, units: Mapping[str, int]) -> Decimal | None:
    words = _WORD.findall(value) if isinstance(value, str) else []
    if not words or _WORD.sub("", value).strip():
        return None
    sizes = [units.get(unit) or units.get(unit.lower()) for _, unit in words]
    if None in sizes:
        return None
    total = sum((Decimal(number) * (size or 0) for (number, _), size in zip(words, sizes, strict=True)), Decimal())
    return total.to_integral_value()


def _loss(value: Any, where: ModelPlace) -> int:
    """The loss probability, in 10⁻⁹, of a pattern that does not depend on the losses before."""
    if not isinstance(value, list) or not all(_is_number(each) and 0 <= each <= 1 for each in value):
        raise where.fault(f"{where}: {quote(str(value))} is no list of probabilities from 0 to 1")
    if len(set(value)) > 1:
        remedy = "give it in the run spec, as loss: {pattern: …}"
        raise where.fault(f"{where}: a loss that depends on the losses before is no column of a scenario; {remedy}")
    return int((Decimal(value[0]) * _PPB).to_integral_value()) if value else 0
