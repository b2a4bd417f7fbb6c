"""The journal as a file: its tables, whose it is, and a copy of it.

One controller uses it and holds a lock on the file beside it; another process may read it meanwhile, as a backup does.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from plctl.common.base.errors import BusyError, UserError, WorldError

VERSION = 4
SCHEMA = """
CREATE TABLE agents (
    name TEXT PRIMARY KEY, route TEXT NOT NULL, hello BLOB NOT NULL, acknowledged INTEGER NOT NULL,
    first_seen_utc TEXT NOT NULL, last_seen_utc TEXT NOT NULL
) STRICT;
CREATE TABLE runs (
    run TEXT PRIMARY KEY, name TEXT NOT NULL, client TEXT NOT NULL, request INTEGER NOT NULL,
    submitted_utc TEXT NOT NULL, links INTEGER NOT NULL, hosts TEXT NOT NULL, boot_id TEXT NOT NULL,
    time_namespace TEXT NOT NULL, first_command INTEGER NOT NULL, phase TEXT NOT NULL, verdict TEXT NOT NULL,
    cause TEXT NOT NULL, over INTEGER NOT NULL, number INTEGER UNIQUE NOT NULL
) STRICT;
CREATE TABLE happened (
    run TEXT NOT NULL, number INTEGER PRIMARY KEY, now_ns INTEGER NOT NULL, lead_ns INTEGER NOT NULL,
    kind TEXT NOT NULL, event BLOB NOT NULL
) STRICT;
CREATE INDEX happened_run ON happened (run);
CREATE TABLE files (run TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (run, path)) STRICT;
CREATE TABLE owed (run TEXT NOT NULL, host TEXT NOT NULL, PRIMARY KEY (run, host)) STRICT;
"""
#: What makes a journal of each older version one of the next.
CHANGES = {
    1: "ALTER TABLE runs ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'",
    2: "ALTER TABLE runs ADD COLUMN report INTEGER NOT NULL DEFAULT 1",
    3: "ALTER TABLE runs ADD COLUMN retry_of TEXT NOT NULL DEFAULT ''; CREATE INDEX runs_retry_of ON runs (retry_of);"
    "CREATE TABLE submitted (run TEXT PRIMARY KEY, submit BLOB NOT NULL) STRICT",
}
#: What stands between the names of hosts in one column.
BETWEEN_HOSTS = "\n"
_IN_A_COPY = "it went on when this journal was copied"


def hold_journal(path: Path) -> int:
    """A descriptor that, as long as it is open, keeps every other controller from the journal at `path`.

    :raises BusyError: another controller has it.
    :raises WorldError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WorldError(f"cannot use the journal {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BusyError(f"another controller uses the journal {path}") from None
    return lock


def damaged(path: Path | None, why: str) -> UserError:
    """What is said of a file that is no journal, or none any more."""
    return UserError(
        f"{path} is not a controller's journal, or a damaged one: {' '.join(why.split())}; "
        "restore a backup (plctl controller restore), or move it away to begin a new one"
    )


def copy_journal(path: Path, copy: Path) -> None:
    """Write what the journal at `path` has committed to the new file `copy`, whether a controller serves or not.

    Runs that go on are over in the copy, as failed, and owed by their hosts: they have ended when it is used.

    :raises UserError: `path` is no journal.
    :raises WorldError: one of them cannot be used.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
            if source.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise UserError(f"{path} is not a journal of this plctl; let its controller serve once")
            with closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                with target:
                    _end_all(target)
    except sqlite3.OperationalError as error:
        raise WorldError(f"cannot copy the journal {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise damaged(path, str(error)) from None


def _end_all(db: sqlite3.Connection) -> None:
    unfinished = db.execute("SELECT run, hosts FROM runs WHERE NOT over").fetchall()
    owed = [(run, host) for run, hosts in unfinished for host in hosts.split(BETWEEN_HOSTS)]
    db.executemany("INSERT OR IGNORE INTO owed VALUES (?, ?)", owed)
    db.execute("UPDATE runs SET verdict = 'failed', cause = ? WHERE NOT over AND verdict = ''", (_IN_A_COPY,))
    db.execute("UPDATE runs SET over = 1")
    db.execute("DELETE FROM happened")
    db.execute("DELETE FROM files")
