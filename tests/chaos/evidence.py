"""All that is known of a plan that was played: what was asked, done and seen, and what each run says of itself."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from truth.capture.ends import Seen

from chaos.faults.fault import Fault
from chaos.plan import Plan, PlannedFault, PlannedRun, witness_file


@dataclass
class Done:
    """A fault that was tried: from when to when it was there (CLOCK_MONOTONIC of the machine; 0: never)."""

    planned: PlannedFault
    fault: Fault
    from_ns: int = 0
    until_ns: int = 0
    why_not: str = ""

    @property
    def kind(self) -> str:
        """With the variant that it became."""
        return self.planned.kind + (f", {self.fault.variant}" if self.fault.variant else "")

    @property
    def is_going_on(self) -> bool:
        """Whether it was begun and not undone."""
        return self.from_ns > 0 and not self.until_ns

    def __str__(self) -> str:
        """For people."""
        what = ", ".join(filter(None, (self.fault.variant, self.fault.what)))
        return f"{self.planned}{f' ({what})' if what else ''}" + (
            f": NOT DONE: {self.why_not}" if not self.from_ns else ""
        )


class Sample(NamedTuple):
    """Of a row of telemetry, of what and of when it is."""

    host: str
    link: str
    direction: str
    t_ns: int
    interval_ns: int


@dataclass
class WitnessBook:
    """What a sender and its receiver wrote, on their host's clock: number → (before, after) it was sent, → it came."""

    began_ns: int = 0
    ended_ns: int = 0
    sent: dict[int, tuple[int, int]] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    came: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, run: str, link: str) -> WitnessBook:
        """Of a link's two files, as far as there are any."""
        book = cls()
        for end in ("send", "receive"):
            with suppress(FileNotFoundError):
                for line in witness_file(folder, run, link, end).read_text().splitlines():
                    book._take(line.split())
        return book

    def _take(self, words: list[str]) -> None:
        match words:
            case ["began", at]:
                self.began_ns = int(at)
            case ["ended", at]:
                self.ended_ns = int(at)
            case ["sent", number, before, after]:
                self.sent[int(number)] = (int(before), int(after))
            case ["refused", number, at, _]:
                self.refused[int(number)] = int(at)
            case ["came", number, at]:
                self.came.setdefault(int(number), []).append(int(at))


@dataclass(frozen=True)
class Watched:
    """What the judge's eyes saw of a link, from when on. Times are of the machine's CLOCK_MONOTONIC."""

    since_ns: int
    ends: dict[str, Seen]  #: `client` and `server`


@dataclass
class RunSeen:
    """One run of the plan. Times are of the machine's CLOCK_MONOTONIC; 0: never."""

    planned: PlannedRun
    order: int = 0  #: the number of the order to submit it
    asked_ns: int = 0
    run: str = ""  #: its id, once it was accepted
    accepted_ns: int = 0  #: when that was known
    refused: str = ""
    cancel_order: int = 0
    cancel_said: str = ""  #: what the controller answered
    cancel_refused: str = ""
    listed: dict[str, Any] = field(default_factory=dict)  #: as the controller lists it in the end
    done_ns: int = 0  #: when that was first seen to be done
    is_forgotten: bool = False  #: by a controller whose journal was cut: nobody ends it but its agents
    record: dict[str, Any] = field(default_factory=dict)  #: run.json; empty: there is none
    events: list[dict[str, Any]] = field(default_factory=list)
    bad_lines: int = 0  #: in events.jsonl
    outputs: dict[str, list[str]] = field(default_factory=dict)  #: what the results have of each sender's, by link
    samples: list[Sample] = field(default_factory=list)  #: telemetry; none where there is no Parquet file
    books: dict[str, WitnessBook] = field(default_factory=dict)  #: by link
    watched: dict[str, Watched] = field(default_factory=dict)  #: by link; none where its namespaces were not found

    def read(self, witnesses: Path, results: Path) -> None:
        """Take in what its folder and its witnesses say."""
        for link in self.planned.links:
            self.books[link.name] = WitnessBook.read(witnesses, self.planned.name, link.name)
            with suppress(FileNotFoundError, NotADirectoryError):
                output = results / self.run / "artifacts" / link.name / "send.stdout"
                self.outputs[link.name] = output.read_text().splitlines()
        if self.run and (results / self.run).is_dir():
            self._read_folder(results / self.run)

    def _read_folder(self, folder: Path) -> None:
        with suppress(FileNotFoundError, ValueError):
            self.record = json.loads((folder / "run.json").read_text())
        with suppress(FileNotFoundError):
            for line in (folder / "events.jsonl").read_text(errors="replace").splitlines():
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    self.bad_lines += 1
        if (path := folder / "telemetry.parquet").exists():
            table = pq.read_table(path, columns=list(Sample._fields), use_threads=False)
            self.samples = [Sample(**row) for row in table.to_pylist()]


@dataclass
class Evidence:
    """Of a whole plan."""

    plan: Plan
    began_ns: int = 0
    runs: list[RunSeen] = field(default_factory=list)
    faults: list[Done] = field(default_factory=list)
    offsets_ns: dict[str, int] = field(default_factory=dict)  #: of each host's clock against the machine's
    logs: dict[str, str] = field(default_factory=dict)  #: of each daemon
    ends: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  #: of daemons that nobody ended
    leavings: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  #: of those that did not leave well
    left: list[str] = field(default_factory=list)  #: behind, on hosts or on the machine
    complaints: list[str] = field(default_factory=list)  #: it hung, or could not be played
    settled_s: float = 0.0  #: from the last fault's end until every run was done

    def real_t0_ns(self, seen: RunSeen) -> int:
        """T0 on the machine's clock; 0 if there was none."""
        t0_ns = seen.record.get("t0_ns") or 0
        return t0_ns - self.offsets_ns["controller"] if t0_ns else 0

    def since(self, at_ns: int) -> float:
        """Seconds after the plan's beginning."""
        return (at_ns - self.began_ns) / 1e9


def now_ns() -> int:
    """The machine's CLOCK_MONOTONIC."""
    return time.monotonic_ns()
