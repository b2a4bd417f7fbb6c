"""What a user asks for with one run, in plain types: the result of reading a run spec, before anything has a host."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.text_file import SIZE_LIMIT
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.failure_policy import OnFailure
from plctl.common.plan.run_plan import Budget, LinkPlan, Workload

#: The ends' addresses as commands see them in `{client}` and `{server}`.
ADDRESSES = {"client": "192.168.22.2", "server": "192.168.66.2"}
PLACEHOLDERS = ("server", "client", "link", "host", "index")
#: `{server}` but not the shell's `${server}`.
_PLACEHOLDER = re.compile(r"(?<!\$)\{(" + "|".join(PLACEHOLDERS) + r")\}")


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """One link and where it may be placed. The placeholders in its workloads are still open (see `resolve`)."""

    plan: LinkPlan
    hosts: tuple[str, ...] = ("*",)  #: globs over host names; a host that matches any will do
    hosts_place: tuple[str, int, int] = ("", 0, 0)  #: file, line and column where the globs were given


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read for a run, kept so that the run can be repeated."""

    path: str  #: as the user or the spec gave it
    deflated: bytes  #: its UTF-8 text

    @classmethod
    def of(cls, path: str, text: str) -> SourceFile:
        """The file at `path` that says `text`."""
        return cls(path, zlib.compress(text.encode(), 1))

    @property
    def text(self) -> str:
        """What it says.

        :raises ValueError: nothing that can be unpacked, or more than `SIZE_LIMIT`.
        """
        inflate = zlib.decompressobj()
        try:
            data = inflate.decompress(self.deflated, SIZE_LIMIT)
        except zlib.error as error:
            raise ValueError(f"the text of {self.path!r:.80} cannot be unpacked: {error}") from None
        if not inflate.eof:
            raise ValueError(f"the text of {self.path!r:.80} is broken off, or longer than {SIZE_LIMIT} bytes")
        return data.decode()


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository of the user's in which files lie that were read for a run."""

    name: str  #: of its folder
    commit: str  #: that was checked out
    files: tuple[str, ...]  #: that were read, as the repository has them
    changed: tuple[str, ...] = ()  #: those of them that are not, byte for byte, as the commit has them
    compared: bool = True  #: false: git did not tell what the commit has, so `changed` says nothing


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A validated run. `duration_ns` counts from T0; 0: until the workloads end."""

    name: str
    seed: int
    links: tuple[LinkRequest, ...]
    duration_ns: int = 0
    budget: Budget = field(default_factory=Budget)
    sample_interval_ns: int = 100 * NS_PER_MS
    socket_stats_ns: int = 0
    on_failure: OnFailure = "continue"  #: what one link's failure after the start means for the others
    retries: int = 0  #: how often a run that did not start, or lost an agent, is made again
    labels: dict[str, str] = field(default_factory=dict)  #: what tells it from other runs of a larger thing
    sources: tuple[SourceFile, ...] = ()
    repositories: tuple[Repository, ...] = ()  #: in which the sources lie
    warnings: tuple[Problem, ...] = ()  #: what its author should know, though it is legal


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with `{name}` replaced for the names in `values`; every other brace, and `${name}`, is left alone."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def resolve(link: LinkRequest, host: str) -> LinkPlan:
    """The plan of `link` on `host`: the placeholders in commands and environments are filled in."""
    plan = link.plan
    values = {**ADDRESSES, "link": plan.name, "host": host, "index": str(plan.index)}
    return replace(plan, workloads=tuple(_filled(workload, values) for workload in plan.workloads))


def _filled(workload: Workload, values: Mapping[str, str]) -> Workload:
    return replace(
        workload,
        command=tuple(fill(word, values) for word in workload.command),
        env={name: fill(text, values) for name, text in workload.env.items()},
    )


def allows(link: LinkRequest, host: str) -> bool:
    """Whether `link` may be placed on `host`."""
    return any(fnmatchcase(host, pattern) for pattern in link.hosts)


def check_hosts(request: RunRequest, hosts: Sequence[str]) -> None:
    """Refuse a run that names hosts which are not there.

    :raises InputError: a glob matches none of `hosts`; one problem for each place of the spec, listing the known hosts.
    """
    unknown = {
        (link.hosts_place, pattern): None
        for link in request.links
        for pattern in link.hosts
        if not any(fnmatchcase(host, pattern) for host in hosts)
    }
    if unknown:
        raise InputError(Problem(*place, _no_host(pattern, hosts)) for place, pattern in unknown)


def _no_host(pattern: str, hosts: Iterable[str]) -> str:
    known = ", ".join(sorted(hosts)) or "none"
    return f"the host pattern {pattern!r} matches no known host; known are: {known}"
