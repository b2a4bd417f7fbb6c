"""What a cell, a seed and a run are known by: hashes that other programs can compute, too.

    cell    the first 12 hex digits of SHA-256 of  ["plctl cell", VALUES]
    seed    the first 63 bits       of SHA-256 of  ["plctl seed", STUDY'S SEED, VALUES, REPETITION]
    digest  the first 32 hex digits of SHA-256 of  ["plctl run", RUN, SEED, REPETITION]

each as JSON without spaces, keys in order, in UTF-8. VALUES maps each factor to its level as written; in a seed without
the factors that are `paired`. RUN is what hosts are asked to do, with what has its default left out: so neither a
comment nor a new version of plctl makes a run another one, and a byte of a scenario that changes a row does.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from plctl.common.base.shared import Shared
from plctl.common.plan.run_request import RunRequest
from plctl.common.scenario.schedule import Schedule

_CELL_DIGITS = 12
_DIGEST_DIGITS = 32


def cell_id(values: Mapping[str, str]) -> str:
    """What the cell with these levels is called."""
    return _hash(["plctl cell", dict(values)])[:_CELL_DIGITS]


def seed_of(study_seed: int, values: Mapping[str, str], repetition: int, paired: Collection[str] = ()) -> int:
    """The seed of one repetition of a cell; levels of `paired` factors have no part in it."""
    others = {name: level for name, level in values.items() if name not in paired}
    return int(_hash(["plctl seed", study_seed, others, repetition])[:16], 16) >> 1


def run_content(request: RunRequest) -> str:
    """All of `request` that determines the run but the seed: RUN above, as JSON."""
    return _json(
        {
            "links": [{"plan": _plain(link.plan), "hosts": list(link.hosts)} for link in request.links],
            "duration_ns": request.duration_ns,
            "budget": _plain(request.budget),
            "sample_interval_ns": request.sample_interval_ns,
            "socket_stats_ns": request.socket_stats_ns,
        }
    )


def run_digest(content: str, seed: int, repetition: int) -> str:
    """What the run with this `run_content` is known by."""
    text = f'["plctl run",{content},{seed},{repetition}]'
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]


def shuffle_key(study_seed: int, digest: str) -> str:
    """Runs in the order of these keys are in no order at all, the same one each time."""
    return _hash(["plctl order", study_seed, digest])


def _plain(value: Any) -> Any:
    """Dataclasses as maps of the fields that have not their defaults; a schedule as its digest."""
    if isinstance(value, Schedule):
        return value.digest
    if isinstance(value, Shared):
        raise AssertionError(f"nothing says what identifies a {type(value).__name__}")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: (getattr(value, each.name), _default(each)) for each in dataclasses.fields(value)}
        return {name: _plain(own) for name, (own, default) in fields.items() if own != default}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    made = field.default_factory
    return dataclasses.MISSING if made is dataclasses.MISSING else made()


def _hash(value: Any) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
