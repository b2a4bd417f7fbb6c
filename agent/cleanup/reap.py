"""Remove what dead owners left: their processes, namespaces and files, and nothing that the ledger cannot prove ours.

Works from any state that SIGKILL may leave, twice, and beside another reaper: a dead owner's lock is taken first.
Processes go before namespaces, because a namespace lives on unseen as long as a process is in it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from plctl.agent.kernel import namespace
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import OWNER_VARIABLE, Entry, Ledger
from plctl.agent.ownership.output_folder import remove_folder
from plctl.agent.ownership.processes import Process
from plctl.common.base.errors import KernelError
from plctl.common.host.state import FORK_TO_EXEC_S, Owner, owner_folders

_ROUNDS = 10  # of looking for processes that were forked while their parents were being ended


def reap(
    folders: Iterable[Path] | None = None, *, kept_too: bool = False, patience_s: float = FORK_TO_EXEC_S
) -> list[str]:
    """Take apart every dead owner (of `folders`, or of all), and say in sentences what was removed.

    A living owner is left alone. Of a dead one whose ledger says `keep` only processes and files are removed, unless
    `kept_too`. In all, so long as `patience_s` is waited for owners that may just have died (`Owner.seize`).

    :raises KernelError: the kernel refuses a step; what could not be removed stays in the ledger.
    """
    sentences: list[str] = []
    held: list[Path] = []
    deadline = time.monotonic() + patience_s
    for folder in owner_folders() if folders is None else folders:
        if owner := Owner.seize(folder, 0):
            sentences += _reap_owner(owner, kept_too=kept_too)
        else:
            held.append(folder)
    for folder in held:
        if owner := Owner.seize(folder, max(0, deadline - time.monotonic())):
            sentences += _reap_owner(owner, kept_too=kept_too)
    return sentences


def end_processes(ledger: Ledger) -> list[str]:
    """End every process of the ledger's owner and strike its entries; for the owner itself or its heir.

    :raises KernelError: they fork faster than they can be ended, or may not be signalled.
    """
    ended: list[Process] = []
    for _ in range(_ROUNDS):
        try:
            found = processes.end(find_processes(ledger))
        except PermissionError as error:
            raise KernelError.from_os(f"signal the processes of {ledger.path.parent.name}", error) from error
        ended += found
        if not found:
            break
    else:
        raise KernelError(f"cannot end the processes of {ledger.path.parent.name}: they start others too fast")
    for entry in _of_kind(ledger, "process"):
        ledger.strike("process", entry.name)
    return [f"ended process {p.pid} of {ledger.path.parent.name}" for p in ended]


def find_processes(ledger: Ledger) -> list[Process]:
    """Every living process that is provably the owner's, whoever asks excepted.

    Ours is what carries the owner's token, what the ledger identifies, and what shares a session with either, provided
    the session's leader was recorded as such. A bare session number proves nothing: it may have been given out again.
    """
    recorded = {(e.facts["pid"], e.facts["started"]): e.facts["session"] for e in _of_kind(ledger, "process")}
    sessions = {session for (pid, _), session in recorded.items() if pid == session}
    everyone = [p for p in processes.living() if p.pid != os.getpid()]
    proven = [
        p
        for p in everyone
        if (p.pid, p.started) in recorded or processes.has_variable(p.pid, OWNER_VARIABLE, ledger.token)
    ]
    ours = sessions & {p.session for p in proven}
    return [p for p in everyone if p in proven or p.session in ours]


def _reap_owner(owner: Owner, *, kept_too: bool) -> list[str]:
    with owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        stays = not kept_too and ledger.find("keep", owner.name) is not None
        sentences = end_processes(ledger)
        sentences += _remove_files(owner.name, ledger)
        if stays:
            return sentences
        for entry in _of_kind(ledger, "netns"):
            if namespace.remove(entry, ledger):
                sentences.append(f"removed namespace {entry.name} of {owner.name}")
    owner.remove()
    return [*sentences, f"removed {owner.name}"]


def _remove_files(owner: str, ledger: Ledger) -> list[str]:
    sentences = []
    for entry in _of_kind(ledger, "file"):
        with contextlib.suppress(FileNotFoundError):
            try:
                Path(entry.name).unlink()
            except OSError as error:
                if isinstance(error, FileNotFoundError):
                    raise
                raise KernelError.from_os(f"remove {entry.name}", error) from error
            sentences.append(f"removed file {entry.name} of {owner}")
        ledger.strike("file", entry.name)
    for entry in _of_kind(ledger, "folder"):
        if remove_folder(Path(entry.name)):
            sentences.append(f"removed folder {entry.name} of {owner}")
        ledger.strike("folder", entry.name)
    return sentences


def _of_kind(ledger: Ledger, kind: str) -> Sequence[Entry]:
    return [entry for entry in ledger.entries() if entry.kind == kind]
