"""Reads a study: what varies, checked as a whole and located by line; the cells and their runs are made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plctl.common.base.errors import InputError, UserError
from plctl.common.base.problems import Problems, quote, suggest
from plctl.common.base.text_file import read_text
from plctl.common.plan.run_request import PLACEHOLDERS
from plctl.controller.spec.errors import validate
from plctl.controller.spec.yaml_marks import Marked, load_marked
from plctl.controller.spec.yaml_marks import Path as YamlPath
from plctl.controller.study.base import RUN_PLACEHOLDERS, BaseSpec
from plctl.controller.study.expansion import Exclusion, Factor
from plctl.controller.study.expression import WORDS, Expression
from plctl.controller.study.model import FactorSpec, StudySpec, levels_alone
from plctl.controller.study_folder.study_reader import LABELS

#: The longest study that is read, in bytes.
MAX_STUDY = 2**20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TAKEN = frozenset((*PLACEHOLDERS, *RUN_PLACEHOLDERS, *LABELS, *WORDS))


@dataclass(frozen=True, slots=True)
class ReadStudy:
    """A study's file, and the run spec that it varies, neither of which has been combined yet."""

    file: Path
    text: str
    spec: StudySpec
    factors: tuple[Factor, ...]
    where: Expression | None
    exclude: tuple[Exclusion, ...]
    base: BaseSpec
    marked: Marked

    def refuse(self, at: YamlPath, text: str) -> InputError:
        """The error that something at `at` in the file is wrong."""
        problems = Problems(str(self.file))
        place = self.marked.place(at)
        problems.add(place.line, place.column, text)
        return InputError(problems.found)


def read_study_spec(path: Path) -> ReadStudy:
    """The study in the file at `path`.

    :raises InputError: everything that is wrong with it.
    """
    text = read_text(path, "a study", limit=MAX_STUDY)
    problems = Problems(str(path))
    marked = load_marked(text, problems)
    if not isinstance(marked.value, dict):
        problems.add(0, 0, "is no study; a study is a mapping with at least the keys study and base")
        problems.check()
    reader = _Reader(marked, problems)
    spec = reader.spec()
    factors = reader.factors()
    where = reader.where()
    if spec:
        reader.check_names(factors, spec)
    problems.check()
    assert spec
    exclude = tuple(Exclusion(each) for each in spec.exclude)
    base = _base(path, spec, marked, [factor.name for factor in factors])
    reader.check_used(factors, spec, base)
    problems.check()
    return ReadStudy(path, text, spec, tuple(factors), where, exclude, base, marked)


def _base(path: Path, spec: StudySpec, marked: Marked, factors: Sequence[str]) -> BaseSpec:
    base = path.parent / spec.base
    try:
        return BaseSpec(base, factors)
    except InputError as error:
        if any(problem.line for problem in error.problems):
            raise
        place, problems = marked.place(("base",)), Problems(str(path))
        for problem in error.problems:  # the file as a whole: the study should have named another
            problems.add(place.line, place.column, f"base: {problem.file} {problem.text}")
        raise InputError(problems.found) from None


class _Reader:
    """Validates the parts of one file, so that one bad part does not hide another."""

    def __init__(self, marked: Marked, problems: Problems) -> None:
        self._marked = marked
        self._problems = problems
        given = marked.value.get("factors")
        self._given: dict[str, Any] = given if isinstance(given, dict) else {}

    def spec(self) -> StudySpec | None:
        return validate(StudySpec, self._marked.value, (), self._marked, self._problems, models={(): StudySpec})

    def factors(self) -> list[Factor]:
        """Those that are right; a condition of one may name those above it."""
        found: list[Factor] = []
        for name, value in self._given.items():
            at = ("factors", name)
            self._check_name(name, at)
            made = validate(FactorSpec, levels_alone(value), at, self._marked, self._problems, models={at: FactorSpec})
            if made:
                when = self._expression(made.when, [each.name for each in found], (*at, "when"))
                found.append(Factor(name, made.levels(), when, made.otherwise or ""))
        return found

    def where(self) -> Expression | None:
        """The condition, if there is one that is right; also beside other faults."""
        text = self._marked.value.get("where")
        return self._expression(text if isinstance(text, str) else None, list(self._given), ("where",))

    def check_names(self, factors: Sequence[Factor], spec: StudySpec) -> None:
        """`zip`, `paired` and `exclude` name factors, and levels that these have."""
        known = {factor.name: factor for factor in factors}
        self._check_zip(known, spec)
        for index, name in enumerate(spec.paired):
            self._check_known(name, ("paired", index))
        for index, each in enumerate(spec.exclude):
            for name, levels in each.items():
                at = ("exclude", index, name)
                if self._check_known(name, at) and name in known:
                    self._check_levels(known[name], levels, at)

    def check_used(self, factors: Sequence[Factor], spec: StudySpec, base: BaseSpec) -> None:
        """A factor that changes nothing is a mistake: unless it goes side by side with one that does."""
        used = set(base.used)
        for group in spec.zip:
            if used.intersection(group):
                used.update(group)
        used.update(name for factor in factors if factor.when for name in factor.when.names)
        for factor in factors:
            if factor.name not in used:
                text = f"the factor {factor.name} changes nothing: {spec.base} has no {{{factor.name}}} in any value"
                self._complain_key(("factors", factor.name), text)

    def _check_zip(self, known: dict[str, Factor], spec: StudySpec) -> None:
        seen: set[str] = set()
        for index, group in enumerate(spec.zip):
            at: YamlPath = ("zip", index)
            if len(group) < 2 or len(set(group)) < len(group) or seen.intersection(group):
                self._complain(at, "zip: a group has two or more factors, each in one group only")
            seen.update(group)
            for number, name in enumerate(group):
                self._check_known(name, (*at, number))
            found = [known[name] for name in group if name in known]
            if any(factor.when for factor in found):
                self._complain(at, "zip: a factor with a condition cannot go side by side with others")
            if len({len(factor.levels) for factor in found}) > 1:
                counts = ", ".join(f"{factor.name} has {len(factor.levels)}" for factor in found)
                self._complain(at, f"zip: factors that go side by side need as many levels each: {counts}")

    def _check_levels(self, factor: Factor, levels: Sequence[str], at: YamlPath) -> None:
        for level in levels:
            if level not in factor.all_levels:
                hint = suggest(level, factor.all_levels)
                self._complain(at, f"exclude: {quote(level)} is no level of {factor.name}; {hint}")

    def _check_name(self, name: str, at: YamlPath) -> None:
        if not _NAME.fullmatch(name):
            self._complain_key(at, f"{quote(name)} cannot name a factor; write letters, digits or _, a letter first")
        elif name in _TAKEN:
            self._complain_key(at, f"{quote(name)} cannot name a factor, as it has a meaning already; choose another")

    def _check_known(self, name: str, at: YamlPath) -> bool:
        if name not in self._given:
            hint = suggest(name, list(self._given)) if self._given else "there is none"
            self._complain(at, f"{quote(name)} is no factor; {hint}")
        return name in self._given

    def _expression(self, text: str | None, names: Sequence[str], at: YamlPath) -> Expression | None:
        try:
            return Expression(text, names) if text is not None else None
        except UserError as error:
            self._complain(at, f"{at[-1]}: {error}")
            return None

    def _complain(self, at: YamlPath, text: str) -> None:
        place = self._marked.place(at)
        self._problems.add(place.line, place.column, text)

    def _complain_key(self, at: YamlPath, text: str) -> None:
        place = self._marked.key_place(at)
        self._problems.add(place.line, place.column, text)


def study_name(path: Path) -> str:
    """What the study in the file at `path` is called; nothing else of it is looked at.

    :raises InputError: it is no study.
    """
    problems = Problems(str(path))
    value = load_marked(read_text(path, "a study", limit=MAX_STUDY), problems).value
    if not (isinstance(value, dict) and isinstance(value.get("study"), str)):
        problems.add(0, 0, "is no study; a study is a mapping with at least the keys study and base")
    problems.check()
    return str(value["study"])
