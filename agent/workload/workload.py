"""A command in a link's client or server namespace, from the gate where it waits for T0 to its exit status.

It is a session of its own, in the ledger before it runs a line of its command, ended as a whole, and killed with the
agent. What it prints goes to <workload>.stdout and .stderr in its link's artifact folder, how it ended to .exit.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from plctl.agent.kernel.etc_files import etc_binds
from plctl.agent.kernel.link_namespaces import NETNS_DIR, LinkNamespaces
from plctl.agent.ownership import open_files, processes
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.workload import gate
from plctl.agent.workload.artifact_stream import FILES
from plctl.agent.workload.exit_record import ExitRecord
from plctl.agent.workload.ready import describe, is_ready, only_serves
from plctl.common.base.clock import Clock
from plctl.common.base.errors import KernelError, WorldError
from plctl.common.base.printable import printable
from plctl.common.base.process_end import how_it_ended, last_lines, telling_line
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration
from plctl.common.plan.run_plan import Workload
from plctl.common.protocol.messages import WorkloadResult

#: How long a workload may take until it waits at its gate, and until what it promised is there.
GATE_SECONDS = 20.0
READY_NS = 30 * NS_PER_S
#: How often what it promised is looked for.
LOOK_NS = 20 * NS_PER_MS


class WorkloadProcess:
    """One workload. `spawn` brings it to its gate; `open_gate` lets it go; `wait` returns when it is gone."""

    def __init__(self, workload: Workload, folder: Path, ledger: Ledger, clock: Clock) -> None:
        self.workload = workload
        self._folder = folder
        self._ledger = ledger
        self._clock = clock
        self._entry = f"{folder.parent.name}/{folder.name}/{workload.name}"
        self._process: asyncio.subprocess.Process
        self._identity: processes.Process
        self._status: asyncio.StreamReader
        self._gate = -1
        self._planned_ns: int | None = None  #: when the command is to be executed; None: as soon as the gate is open
        self._opened_ns = 0
        self._executed_ns = 0  #: when it was, by the gate's own clock; 0: not yet, or never
        self._ended_ns = 0  #: when its end was noticed
        self.t0_ns = 0  #: of the run, once that is known
        self._ended_by_us = False
        self._timed_out = False
        self._complaint = ""  #: of the gate: why the command was not executed
        self._unwritten = ""  #: why there is no record of its end
        self._struck = False  #: from the ledger: nothing of it is left
        self._opened = asyncio.Event()
        self._decided = asyncio.Event()  #: the command was executed, or never will be
        self._gone = asyncio.Event()
        self._watcher: asyncio.Task[None]

    @classmethod
    async def spawn(
        cls,
        workload: Workload,
        namespaces: LinkNamespaces,
        folder: Path,
        *,
        ledger: Ledger,
        env: Mapping[str, str],
        clock: Clock,
        etc: Path,
    ) -> WorkloadProcess:
        """Start the process and wait until it stands at its gate, in its namespace and under its user.

        :param folder: where its output goes; made if need be. The program's own folder is in it.
        :param etc: the folder of what it sees in /etc, from `etc_files.write_etc`.
        :raises WorldError: it does not get there; the message says why.
        """
        self = cls(workload, folder, ledger, clock)
        files = _make_folders(folder, for_anybody=bool(workload.user))
        gate_end, self._gate = os.pipe2(os.O_CLOEXEC)
        status_read, status_end = os.pipe2(os.O_CLOEXEC)
        order = _order(workload, getattr(namespaces, workload.at), etc, gate_end, status_end)
        try:
            with self._output("stdout").open("wb") as stdout, self._output("stderr").open("wb") as stderr:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", gate.__file__, order),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=(gate_end, status_end),
                    start_new_session=True,
                    cwd=files,
                    env={**_environment(), **env, **workload.env, **ledger.environment, MARK_VARIABLE: self._mark},
                )
        except OSError as error:
            os.close(status_read)
            self._close_gate()
            raise KernelError.from_os(f"start workload {workload.name}", error) from error
        finally:
            os.close(gate_end)
            os.close(status_end)
        try:
            ledger.record_process(self._entry, self._process.pid)
            self._identity = processes.identify(self._process.pid)
            self._status = await _reader(status_read)
        except BaseException:
            self._close_gate()  # so it leaves
            raise
        said = await self._first_words()
        self._watcher = asyncio.create_task(self._watch())
        if said != "ready":
            await self.end()
            why = said or f"it {how_it_ended(self._process.returncode or 0)} before it was there; {self._last_words()}"
            raise WorldError(f"cannot start workload {workload.name}: {why}")
        return self

    def open_gate(self, start_ns: int, later_ns: int = 0) -> None:
        """Let the command be executed at `start_ns` (CLOCK_MONOTONIC; 0: now), or so much later. Once."""
        self._planned_ns = start_ns or None
        self._opened_ns = self._clock.monotonic_ns()
        if self._gate >= 0:  # else it ended at its gate, and `wait` says so
            with suppress(BrokenPipeError):  # it is ending
                os.write(self._gate, (start_ns + later_ns).to_bytes(8, "little"))
        self._close_gate()
        self._opened.set()

    async def ready(self) -> None:
        """Return once what the workload's `ready` asks for is there.

        :raises WorldError: it ended before, or took too long; the message ends with what it said.
        """
        if not self.workload.ready:
            return
        deadline = self._clock.monotonic_ns() + READY_NS
        wanted = describe(self.workload.ready)
        while not is_ready(self.workload.ready, self._process.pid, self._folder / FILES):
            if self._gone.is_set():
                raise WorldError(f"workload {self.workload.name} ended before it did {wanted}; {self._last_words()}")
            if self._clock.monotonic_ns() > deadline:
                within = format_duration(READY_NS)
                raise WorldError(
                    f"workload {self.workload.name} did not {wanted} within {within}; {self._last_words()}"
                )
            await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)

    async def executed(self) -> int:
        """When the command was executed (CLOCK_MONOTONIC), once it was; 0 if it never will be."""
        await self._decided.wait()
        return self._executed_ns

    async def wait(self) -> None:
        """Return when the process has ended, by itself or not."""
        await self._gone.wait()

    async def end(self) -> None:
        """End the process and everything in its session; idempotent.

        :raises KernelError: it was killed, and is still there.
        """
        self._ended_by_us = self._ended_by_us or not self._gone.is_set()
        self._close_gate()
        await asyncio.to_thread(self._end_session)
        await self._gone.wait()
        if not self._struck:  # what it left behind could not be ended then
            await self._clear()

    def result(self) -> WorkloadResult:
        """How it ended; after `wait` or `end`, or, where it could not be ended, that."""
        status = self._process.returncode
        return WorkloadResult(
            name=self.workload.name,
            at=self.workload.at,
            status=status or 0,
            cause=self._cause() if status is not None else "could not be ended",
            planned_ns=self._planned_ns,
            executed_ns=self._executed_ns,
            ended_ns=self._ended_ns or None,
        )

    @property
    def pid(self) -> int:
        """Of the gate, and then of the command."""
        return self._process.pid

    @property
    def ended_ns(self) -> int:
        """When its end was noticed (CLOCK_MONOTONIC); 0: not yet."""
        return self._ended_ns

    def dated(self, at_ns: int) -> dict[str, int | float]:
        """What an event says of an instant of this workload: `t_ns`, and seconds after T0 if that is known."""
        after_t0_s = self._after_t0_s(at_ns)
        return {"t_ns": at_ns} | ({} if after_t0_s is None else {"after_t0_s": after_t0_s})

    @property
    def planned_ns(self) -> int | None:
        """When the command is to be executed (CLOCK_MONOTONIC); None: at once, or not yet known."""
        return self._planned_ns

    # --- inside

    async def _first_words(self) -> str:
        """What the process says on its way to the gate: "ready", or what went wrong."""
        try:
            async with asyncio.timeout(GATE_SECONDS):
                return (await self._status.readline()).decode(errors="replace").strip()
        except TimeoutError:
            return "it did not reach its gate in time"

    async def _watch(self) -> None:
        """Wait for the end, or for the time-out, and write down how it was."""
        timeout = asyncio.create_task(self._time_out())
        await self._hear_gate()
        await self._process.wait()
        self._ended_ns = self._clock.monotonic_ns()
        timeout.cancel()
        await asyncio.gather(timeout, return_exceptions=True)
        try:
            await self._clear()  # what it left behind goes with it
        except (KernelError, OSError, RuntimeError) as error:  # who cannot be ended stays in the ledger, for `end`
            self._complaint = self._complaint or f"what it left behind could not be ended: {error}"
        finally:
            self._close_gate()
            self._write_exit()
            self._gone.set()

    async def _hear_gate(self) -> None:
        """Learn whether and when the command was executed: then the kernel closes the pipe before anything is added."""
        word, _, at_ns = (await self._status.readline()).decode(errors="replace").strip().partition(" ")
        self._complaint = (await self._status.read()).decode(errors="replace").strip()
        if word == "executing" and at_ns.isdecimal() and not self._complaint:
            self._executed_ns = int(at_ns)
        self._decided.set()

    async def _time_out(self) -> None:
        """What is executed late has its time from then on; what is not executed at all, from when it should have."""
        await self._opened.wait()
        if timeout_ns := self.workload.timeout_ns:
            await self._clock.sleep_until((self._planned_ns or self._opened_ns) + timeout_ns)
            await self._clock.sleep_until(self._executed_ns + timeout_ns)
            self._timed_out = True
            await asyncio.to_thread(self._end_session)

    def only_serves(self) -> bool:
        """Whether it waits for clients, as far as its sockets tell."""
        return only_serves(process.pid for process in processes.living() if process.session == self._identity.session)

    async def _clear(self) -> None:
        """End what is left of it, and strike it out."""
        await asyncio.to_thread(self._end_session)
        self._ledger.strike("process", self._entry)
        self._struck = True

    def _end_session(self) -> None:
        """End every process of the session, and every other that carries this workload's mark.

        :raises KernelError: one of them was killed, and is still there.
        """
        session = self._identity.session
        ours = [p for p in processes.living() if p.session == session or _is_marked(p, self._mark)]
        leader = next((p for p in ours if p.pid == session), self._identity)
        if leader.started == self._identity.started:  # else the number is somebody else's by now
            processes.end(ours)

    @property
    def _mark(self) -> str:
        return f"{self._ledger.token}/{self._entry}"

    def _cause(self) -> str:
        """Why the workload failed; empty if it did not. One that the run's end ended did not."""
        if self._timed_out and not self._executed_ns:
            return f"was not executed within its timeout of {format_duration(self.workload.timeout_ns)}"
        if self._timed_out:
            return f"ran longer than its timeout of {format_duration(self.workload.timeout_ns)}"
        if self._complaint:
            return self._complaint
        status = self._process.returncode
        if status == 0 or self._ended_by_us:
            return self._unwritten
        words = telling_line(self._end_of_errors())
        return how_it_ended(status or 0) + (f": {printable(words)}" if words else "")

    def _write_exit(self) -> None:
        record = ExitRecord(
            command=self.workload.command,
            at=self.workload.at,
            pid=self._process.pid,
            status=self._process.returncode,
            t0_ns=self.t0_ns or None,
            planned_ns=self._planned_ns,
            executed_ns=self._executed_ns or None,
            executed_after_t0_s=self._after_t0_s(self._executed_ns),
            ended_ns=self._ended_ns,
            ended_after_t0_s=self._after_t0_s(self._ended_ns),
            ended_with_the_run=self._ended_by_us,
            timed_out=self._timed_out,
            cause=self._cause(),
        )
        try:
            self._output("exit.json").write_text(record.to_json())
        except OSError as error:
            self._unwritten = str(KernelError.from_os("write down how it ended", error))

    def _after_t0_s(self, at_ns: int) -> float | None:
        return (at_ns - self.t0_ns) / NS_PER_S if at_ns and self.t0_ns else None

    def _last_words(self) -> str:
        """The end of what it wrote to standard error, as one line."""
        return printable(last_lines(self._end_of_errors(), 3))

    def _end_of_errors(self) -> str:
        """Empty if it cannot be read: somebody has deleted it, or nothing more can be opened."""
        try:
            with self._output("stderr").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def _output(self, kind: str) -> Path:
        return self._folder / f"{self.workload.name}.{kind}"

    def _close_gate(self) -> None:
        if self._gate >= 0:
            os.close(self._gate)
            self._gate = -1


#: In the environment of a workload and all its children: which workload it is.
MARK_VARIABLE = "PLCTL_WORKLOAD"


def _order(workload: Workload, netns: str, etc: Path, gate_end: int, status_end: int) -> str:
    """What the gate is told: by which descriptors it is heard, where the program belongs, and what it is."""
    return json.dumps(
        {
            "gate": gate_end,
            "status": status_end,
            "parent": os.getpid(),
            "netns": str(NETNS_DIR / netns),
            "etc": etc_binds(etc, netns),
            "user": workload.user,
            "open_files": open_files.inherited_limit(),
            "command": workload.command,
        }
    )


def _is_marked(process: processes.Process, mark: str) -> bool:
    return processes.has_variable(process.pid, MARK_VARIABLE, mark)


def _make_folders(folder: Path, *, for_anybody: bool) -> Path:
    """Make a link's folder, and that of its programs, which is returned; whatever the umask.

    `for_anybody`: programs run as several users, and each may write there.

    :raises KernelError: the disk refuses.
    """
    files = folder / FILES
    try:
        for made in (folder.parent, folder):
            made.mkdir(exist_ok=True)
            made.chmod(0o711)
        files.mkdir(exist_ok=True)
        if for_anybody:
            files.chmod(0o1777)
        elif not files.stat().st_mode & stat.S_ISVTX:
            files.chmod(0o755)
    except OSError as error:
        raise KernelError.from_os(f"make the folder {files}", error) from error
    return files


def _environment() -> dict[str, str]:
    """The agent's own environment, with the folder of `plctl` first in PATH."""
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}"}


async def _reader(fd: int) -> asyncio.StreamReader:
    """A stream over the reading end of a pipe, which it then owns."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(fd, "rb", buffering=0))
    return reader
