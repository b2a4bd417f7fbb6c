"""Plays one case: starts the run, holds it back until both ends are watched, disturbs it, and collects what is known.

A run must end by itself, within `PATIENCE_S` after its scenario; that it does not is a finding. What was done is undone
by the guard, a process of its own, so that nothing is left when this one is killed.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from truth.capture.ends import End
from truth.capture.tcpdump import Tcpdump
from truth.case import DURATION_NS, Case, hold_name
from truth.disturbances import KINDS
from truth.evidence import Evidence, collect, run_folder, token
from truth.inside import open_namespace
from truth.timeline import Timeline
from truth.world import Guard, Process, World, await_it

#: How long after its scenario a run may take to end, and to tell so. One that hangs takes for ever; but to draw the
#: report of four links took a run that was over after 3 s another 20, on two CPUs that fourteen wanted.
PATIENCE_S = 90.0
_ENDS = ("client", "link", "server")
#: Frames beside the sender's that a ring has room for: the self-check's, errors that the kernel answers with.
_SPARE_FRAMES = 2000


def play(case: Case, keep: Path | None = None, *, tcpdump: bool = False) -> Evidence:
    """Play the case.

    :param keep: where the run's folder is copied to.
    :param tcpdump: hold what the judge sees to tcpdump, which is there.
    """
    evidence = Evidence(case)
    guard = Guard(sys.executable)
    try:
        folder = Path(tempfile.mkdtemp(prefix="plctl-truth-"))
        guard.note("folder", str(folder))
        _Play(case, evidence, folder, guard, tcpdump=tcpdump).run()
        if keep:
            subprocess.run(["cp", "-ax", str(folder), str(keep)], check=True)
    finally:
        guard.finish()
    return evidence


class _Play:
    def __init__(self, case: Case, evidence: Evidence, folder: Path, guard: Guard, *, tcpdump: bool) -> None:
        self._case, self._evidence, self._folder, self._guard = case, evidence, folder, guard
        self._state = folder / "state"
        self._tcpdump = tcpdump
        self._holding: list[int] = []  #: FIFOs: closing them lets the run go on

    def run(self) -> None:
        """From the start to what is left behind."""
        self._state.mkdir()
        for link in self._case.links:
            os.mkfifo(self._folder / hold_name(link.name))
        spec = self._case.write(self._folder)
        command = [sys.executable, "-m", "plctl.common", "run", str(spec), "--local", "--no-report"]
        environment = os.environ | {"PLCTL_STATE_DIR": str(self._state), "PLCTL_CONFIG": os.devnull}
        with (self._folder / "output").open("wb") as output, ExitStack() as stack:
            run = subprocess.Popen(
                [*command, "--io", self._case.io, "--out", str(self._folder / "runs")],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True,
                cwd=self._folder,
            )  # fmt: skip
            process = Process.find(run.pid)
            self._guard.note("run", *process, str(self._state), sys.executable)
            self._watch(World(process, self._folder, self._guard), run, stack)
        collect(self._evidence, self._folder, self._state)

    def _watch(self, world: World, run: subprocess.Popen[bytes], stack: ExitStack) -> None:
        timeline = Timeline(world, self._case.disturbances)
        try:
            await_it(lambda: self._holds(run), "what holds the run back")
            self._open_namespaces(world, stack)
            ends = self._open_ends(world, stack)
            beside = self._open_tcpdumps(world) if self._tcpdump else {}
            self._let_go()
            self._evidence.t0_ns = await_it(lambda: self._t0(run), "T0")
            timeline.begin_early()
            timeline.follow(self._evidence.t0_ns, run)
            self._await_end(world, run)
        except (TimeoutError, ChildProcessError) as error:
            self._evidence.complaints.append(str(error))
            return
        finally:
            self._let_go()
            timeline.undo_all()
            for helper in world.helpers:
                helper.kill()
                helper.wait()
            self._evidence.done += world.sent
            self._evidence.undone += timeline.undone
        for key, end in ends.items():
            self._evidence.ends[key] = end.look()
        self._compare(beside)

    def _holds(self, run: subprocess.Popen[bytes]) -> list[int] | None:
        """The FIFOs, opened, once each link's holder waits at its own."""
        for link in self._case.links[len(self._holding) :]:
            try:
                self._holding.append(os.open(self._folder / hold_name(link.name), os.O_WRONLY | os.O_NONBLOCK))
            except OSError:  # nobody reads it yet
                if run.poll() is not None:
                    raise ChildProcessError("the run ended before its links were ready") from None
                return None
        return self._holding

    def _let_go(self) -> None:
        while self._holding:
            os.close(self._holding.pop())

    def _open_namespaces(self, world: World, stack: ExitStack) -> None:
        folder = run_folder(self._folder)
        assert folder is not None
        for number, link in enumerate(self._case.links):
            for end in _ENDS:
                name = f"pl-local-{token(folder)}-{link.name}-{end}"
                world.names[number, end] = name
                world.namespaces[number, end] = open_namespace(name)
                stack.callback(os.close, world.namespaces[number, end])

    def _open_ends(self, world: World, stack: ExitStack) -> dict[tuple[int, str], End]:
        return {
            (number, end): stack.enter_context(End(world.namespaces[number, end], link.frames + _SPARE_FRAMES))
            for number, link in enumerate(self._case.links)
            for end in ("client", "server")
        }

    def _open_tcpdumps(self, world: World) -> dict[tuple[int, str], Tcpdump]:
        opened = {}
        for number, end in itertools.product(range(len(self._case.links)), ("client", "server")):
            file = self._folder / f"{number}-{end}.pcap"
            opened[number, end] = Tcpdump(world.namespaces[number, end], end, file)
            self._guard.note("helper", *Process.find(opened[number, end].pid))
        return opened

    def _compare(self, tcpdumps: dict[tuple[int, str], Tcpdump]) -> None:
        for key, tcpdump in tcpdumps.items():
            tcpdump.stop()
            kinds = {planned.kind for planned in self._case.disturbances}
            filtered = any(KINDS[kind].filters for kind in kinds)
            if "delete" not in kinds:  # what tcpdump has not fetched yet is lost with the interface
                self._evidence.complaints += tcpdump.compare(self._evidence.ends[key], filtered=filtered)

    def _t0(self, run: subprocess.Popen[bytes]) -> int | None:
        folder = run_folder(self._folder)
        assert folder is not None
        for line in (folder / "events.jsonl").read_text().splitlines():
            if '"run.committed"' in line:
                return int(json.loads(line)["t0_ns"])
        if run.poll() is not None:
            raise ChildProcessError("the run ended before it started")
        return None

    def _await_end(self, world: World, run: subprocess.Popen[bytes]) -> None:
        left_s = (self._evidence.t0_ns + DURATION_NS - time.monotonic_ns()) / 1e9
        try:
            run.wait(left_s + PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._evidence.complaints.append(f"the run did not end within {PATIENCE_S:g} s after its scenario")
            for process in world.stopped:
                process.send(signal.SIGCONT)
            for number in (signal.SIGINT, signal.SIGKILL):
                world.run.send(number)
                with suppress(subprocess.TimeoutExpired):
                    run.wait(10)
