"""The run spec that a study varies: levels take the place of `{factor}` in its values; places stay as they were."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from plctl.common.base.problems import Problems
from plctl.common.base.text_file import read_text
from plctl.common.plan.run_request import PLACEHOLDERS, RunRequest
from plctl.controller.spec.expand import MAX_SPEC, load_spec, request_of
from plctl.controller.spec.run_size import check_size
from plctl.controller.spec.scenarios import FilesBefore

#: What may be filled in beside factors: the run's own seed, and the number of the repetition, from 1.
REPETITION, SEED = "repetition", "seed"
RUN_PLACEHOLDERS = (REPETITION, SEED)
#: Characters of UTF-8 have at most so many bytes.
_UTF8_BYTES = 4


class BaseSpec:
    """The run spec at `path`, of a study with these `factors`."""

    def __init__(self, path: Path, factors: Collection[str]) -> None:
        """Read it.

        :raises InputError: it cannot be read, or is no YAML.
        """
        self.path = path
        self.text = read_text(path, "a run spec", limit=_UTF8_BYTES * MAX_SPEC)
        self._open = re.compile(r"(?<!\$)\{(" + "|".join([*factors, *RUN_PLACEHOLDERS]) + r")\}")
        problems = Problems(str(path))
        self._marked = load_spec(self.text, problems, [*PLACEHOLDERS, *factors, *RUN_PLACEHOLDERS])
        problems.check()
        self._before = FilesBefore()
        #: The placeholders that stand in its values.
        self.used = frozenset(name for text in _texts(self._marked.value) for name in self._open.findall(text))

    @property
    def is_alike(self) -> bool:
        """Whether the repetitions of a cell differ in nothing but their seeds."""
        return self.used.isdisjoint(RUN_PLACEHOLDERS)

    def request(self, values: Mapping[str, str], *, name: str, seed: int, repetition: int = 1) -> RunRequest:
        """The run of the cell with these `values`.

        :raises InputError: everything that is wrong with it.
        """
        filled = {**values, REPETITION: str(repetition), SEED: str(seed)}
        value = _filled(self._marked.value, self._open, filled)
        marked, problems = replace(self._marked, value=value), Problems(str(self.path))
        request = request_of(marked, self.text, self.path, problems, name=name, seed=seed, before=self._before)
        check_size(request, str(self.path))
        return replace(request, name=name, seed=seed)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _filled(value: Any, pattern: re.Pattern[str], by: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, pattern, by) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, pattern, by) for each in value]
    return pattern.sub(lambda match: by[match[1]], value) if isinstance(value, str) else value
