"""What a controller must still know after it was killed, in one SQLite file: its agents, its runs, what is owed.

A run's plan is in its run.json; here is what happened to it since, in the order in which its state machine heard of it,
so that feeding the machine the same again leads to the same state. With it, in one transaction, goes how long each of
the run's files was: what is longer than that was written after the last commit and is cut off before the run goes on.

`commit` hands everything to the kernel: it outlives the process, but a power failure may take the last of it, as much
as `controller/service/disk.py` lets wait. That is enough for acknowledgements, because after a power failure a run that
was going on has failed anyhow. `commit_for_good` also waits for the disk: for a run's beginning and end.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plctl.common.base.clock import ClockIdentity
from plctl.common.base.errors import BusyError, UserError, WorldError
from plctl.common.protocol import messages as m
from plctl.common.protocol.wire import from_plain, pack, to_plain, unpack
from plctl.controller.hub.journal_file import BETWEEN_HOSTS, CHANGES, SCHEMA, VERSION, damaged, hold_journal
from plctl.controller.lifecycle import run_events
from plctl.controller.lifecycle.run_events import Event


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """One agent; `route` names the life of its process."""

    name: str
    route: str
    hello: m.Hello
    acknowledged: int
    first_seen_utc: str
    last_seen_utc: str


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run, as much as is needed to list it, to know whether it was asked for before, and to take it up again."""

    run: str
    name: str
    client: str  #: who submitted it
    request: int  #: the id of that request
    submitted_utc: str
    links: int
    hosts: tuple[str, ...]
    clock: ClockIdentity  #: of the controller when it began
    first_command: int  #: the id of its first command; the others count up from it
    phase: str = "new"
    verdict: str = ""  #: empty until it was judged
    cause: str = ""
    over: bool = False  #: its folder is complete
    labels: dict[str, str] = field(default_factory=dict)
    report: bool = True  #: whoever submitted it wants one drawn
    retry_of: str = ""  #: the attempt before it; empty: it is the first
    retried_as: str = ""  #: the attempt after it, if there is one


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a run, when it was handled (controller's monotonic clock), and how far ahead T0 then had to be.

    The latter, `lead_ns`, is 0 where that did not matter; it is the one thing that the machine asks for.
    """

    event: Event
    now_ns: int
    lead_ns: int


class Journal:
    """The journal at `path`, for this process alone; without a path, one that is gone with the process."""

    def __init__(self, path: Path | None = None) -> None:
        """Open it, or make it.

        :raises BusyError: another controller uses it.
        :raises UserError: it is no journal, or one of another version.
        :raises WorldError: it cannot be written.
        """
        self._path = path
        self._acknowledged: dict[str, int] = {}
        self._grown: dict[str, Callable[[], Mapping[str, int]]] = {}
        self._lock = hold_journal(path) if path else None
        try:
            with self._explained():
                if path:
                    path.touch(mode=0o600)
                self._db = sqlite3.connect(path or ":memory:", timeout=0)
                self._db.row_factory = sqlite3.Row
                self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        # A file that was cut opens well, and fails later, wherever somebody reads what is not there.
        (first,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if first != "ok":
            raise damaged(self._path, first)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        with self._db:
            self._db.execute("BEGIN EXCLUSIVE")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise UserError(f"{self._path} is a journal of version {version}; this plctl has version {VERSION}")
            if version == 0:
                version = 1
                for statement in SCHEMA.split(";"):
                    self._db.execute(statement)
            for older in range(version, VERSION):
                for statement in CHANGES[older].split(";"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Let go of it; what is not committed is forgotten. Twice is harmless."""
        if hasattr(self, "_db"):
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def folder(self) -> Path | None:
        """Where it lies; None for one that is gone with the process."""
        return self._path.parent if self._path else None

    @property
    def changes(self) -> int:
        """How many rows were ever written by this process; where that is what it was, nothing new is to be kept."""
        return self._db.total_changes

    # --- keeping

    def commit(self) -> None:
        """Let everything that was written so far outlive this process.

        :raises WorldError: it cannot be written.
        """
        with self._explained():
            self._write_acknowledged()
            for run, grown in self._grown.items():
                sizes = [(run, path, size) for path, size in grown().items()]
                self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", sizes)
            self._db.commit()

    def commit_for_good(self) -> None:
        """As `commit`, and wait until it is on the disk.

        :raises WorldError: it cannot be written.
        """
        self.commit()
        with self._explained():
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def follow(self, run: str, grown: Callable[[], Mapping[str, int]]) -> None:
        """At each commit write down the sizes of the files of `run` that have grown, as `grown()` says."""
        self._grown[run] = grown

    # --- agents

    def agents(self) -> list[AgentEntry]:
        """All agents that ever came, by name."""
        rows = self._rows(
            "SELECT name, route, hello, acknowledged, first_seen_utc, last_seen_utc FROM agents ORDER BY name"
        )
        return [AgentEntry(name, route, _hello(hello), *rest) for name, route, hello, *rest in rows]

    def saw_agent(self, name: str, route: str, hello: m.Hello, now_utc: str) -> None:
        """An agent said hello; in a life that is new its numbers begin anew."""
        with self._explained():
            self._write_acknowledged()  # of the life before this one, if it is new
            self._db.execute(
                "INSERT INTO agents VALUES (?1, ?2, ?3, 0, ?4, ?4) ON CONFLICT (name) DO UPDATE SET hello = ?3, "
                "acknowledged = iif(route = ?2, acknowledged, 0), route = ?2, last_seen_utc = ?4",
                (name, route, pack(to_plain(hello)), now_utc),
            )

    def acknowledge(self, name: str, number: int) -> None:
        """Everything up to `number` of the agent's stream was handled; kept at the next commit."""
        self._acknowledged[name] = number

    # --- runs

    def add_run(self, entry: RunEntry) -> None:
        """A run has been planned."""
        clock = (entry.clock.boot_id, entry.clock.time_namespace)
        values = (
            *(entry.run, entry.name, entry.client, entry.request, entry.submitted_utc, entry.links),
            *(BETWEEN_HOSTS.join(entry.hosts), *clock, entry.first_command, entry.phase, entry.verdict, entry.cause),
            *(json.dumps(entry.labels), entry.report, entry.retry_of),
        )
        with self._explained():
            self._db.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0,"
                " (SELECT coalesce(max(number), 0) + 1 FROM runs), ?, ?, ?)",
                values,
            )

    def drop_run(self, run: str) -> None:
        """It could not be kept, and so never was one."""
        self._grown.pop(run, None)
        with suppress(WorldError):  # then it is not there
            self._execute("DELETE FROM runs WHERE run = ?", run)

    def run(self, run: str) -> RunEntry:
        """The run of that id.

        :raises UserError: there is none.
        """
        for entry in self._runs("WHERE run = ?", run):
            return entry
        raise UserError(f"there is no run {run!r:.80} here; plctl runs lists them")

    def knows(self, run: str) -> bool:
        """Whether there is a run of that id."""
        return bool(self._runs("WHERE run = ?", run))

    def runs(self, limit: int) -> list[RunEntry]:
        """At most `limit` runs, newest first."""
        return self._runs("ORDER BY number DESC LIMIT ?", max(0, limit))

    def verdicts(self) -> dict[str, int]:
        """How many runs whose folder is complete have which verdict."""
        rows = self._rows("SELECT verdict, count(*) FROM runs WHERE over GROUP BY verdict")
        return {str(verdict): int(count) for verdict, count in rows}

    def unfinished(self) -> list[RunEntry]:
        """The runs whose folder is not complete, oldest first."""
        return self._runs("WHERE NOT over ORDER BY number")

    def keep_submitted(self, run: str, submit: bytes) -> None:
        """What asked for `run`, as it came: it may be made again."""
        self._execute("INSERT INTO submitted VALUES (?, ?)", run, submit)

    def submitted(self, run: str) -> bytes | None:
        """What asked for `run`, if that is kept."""
        return next(
            (bytes(submit) for (submit,) in self._rows("SELECT submit FROM submitted WHERE run = ?", run)), None
        )

    def requested(self, client: str, request: int) -> RunEntry | None:
        """The run that this very request has begun already, if it has."""
        return next(iter(self._runs("WHERE client = ? AND request = ?", client, request)), None)

    def enter(self, run: str, phase: str) -> None:
        """The run is in `phase` now."""
        self._execute("UPDATE runs SET phase = ? WHERE run = ?", phase, run)

    def judge(self, run: str, verdict: str, cause: str) -> None:
        """The run was judged."""
        self._execute("UPDATE runs SET verdict = ?, cause = ? WHERE run = ?", verdict, cause, run)

    def end(self, run: str) -> None:
        """The run's folder is complete: nothing more need be known of its course."""
        self._grown.pop(run, None)
        self._execute("UPDATE runs SET over = 1 WHERE run = ?", run)
        self._execute("DELETE FROM happened WHERE run = ?", run)
        self._execute("DELETE FROM files WHERE run = ?", run)
        self._execute("DELETE FROM submitted WHERE run = ?", run)

    def append(self, run: str, happened: Happened) -> None:
        """The machine of `run` was told of an event."""
        kind, event = run_events.dump(happened.event)
        self._execute(
            "INSERT INTO happened (run, now_ns, lead_ns, kind, event) VALUES (?, ?, ?, ?, ?)",
            *(run, happened.now_ns, happened.lead_ns, kind, event),
        )

    def course(self, run: str) -> list[Happened]:
        """Everything that the machine of `run` was told, in order."""
        rows = self._rows("SELECT kind, event, now_ns, lead_ns FROM happened WHERE run = ? ORDER BY number", run)
        return [Happened(run_events.load(kind, event), now_ns, lead_ns) for kind, event, now_ns, lead_ns in rows]

    def sizes(self, run: str) -> dict[str, int]:
        """How long each growing file of `run` was at the last commit."""
        return dict(map(tuple, self._rows("SELECT path, size FROM files WHERE run = ?", run)))

    # --- what hosts still have to take away

    def owe(self, run: str, host: str) -> None:
        """`host` was not heard to have released `run`."""
        self._execute("INSERT OR IGNORE INTO owed VALUES (?, ?)", run, host)

    def settle(self, run: str, host: str) -> None:
        """`host` has released `run`."""
        self._execute("DELETE FROM owed WHERE run = ? AND host = ?", run, host)

    def owed(self) -> list[tuple[str, str]]:
        """The (run, host) pairs that are owed."""
        return [(run, host) for run, host in self._rows("SELECT run, host FROM owed")]

    # --- SQL

    def _write_acknowledged(self) -> None:
        acknowledged = [(number, name) for name, number in self._acknowledged.items()]
        self._acknowledged.clear()
        self._db.executemany("UPDATE agents SET acknowledged = ? WHERE name = ?", acknowledged)

    def _runs(self, which: str, *values: object) -> list[RunEntry]:
        rows = self._rows(
            "SELECT run, name, client, request, submitted_utc, links, hosts, boot_id, time_namespace, first_command,"
            " phase, verdict, cause, over, labels, report, retry_of,"
            " coalesce((SELECT later.run FROM runs AS later WHERE later.retry_of = runs.run), '') AS retried_as"
            f" FROM runs {which}",
            *values,
        )
        return [_entry(row) for row in rows]

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._explained():
            return self._db.execute(query, values).fetchall()

    def _execute(self, statement: str, *values: object) -> None:
        with self._explained():
            self._db.execute(statement, values)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BusyError(f"another controller uses the journal {self._path}") from None
            raise WorldError(f"cannot use the journal {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise damaged(self._path, str(error)) from None
        except OSError as error:
            raise WorldError(f"cannot use the journal {self._path}: {error.strerror}") from error


def _hello(data: bytes) -> m.Hello:
    return from_plain(m.Hello, unpack(data), "hello")


def _entry(row: sqlite3.Row) -> RunEntry:
    plain = {**row}
    clock = ClockIdentity(plain.pop("boot_id"), plain.pop("time_namespace"))
    hosts, labels = tuple(plain.pop("hosts").split(BETWEEN_HOSTS)), json.loads(plain.pop("labels"))
    over, report = bool(plain.pop("over")), bool(plain.pop("report"))
    return RunEntry(hosts=hosts, clock=clock, labels=labels, over=over, report=report, **plain)
