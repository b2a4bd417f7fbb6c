"""Plays a plan: hosts and daemons, runs and faults at their times, until all runs are over and all is taken back.

Whatever is over `PATIENCE_S` after the last fault is a finding, not a reason to wait.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chaos import remains
from chaos.cluster import CONTROLLER, Cluster
from chaos.evidence import Done, Evidence, RunSeen, now_ns
from chaos.eyes import Eyes
from chaos.faults.kinds import KINDS
from chaos.faults.storage import mount_small
from chaos.hosts import Hosts
from chaos.plan import Plan

#: How long after the last fault every run must be over: an agent is silent for 10 s before it counts as lost.
PATIENCE_S = 30.0
#: What becomes clean does so within this time.
CLEAN_S = 15.0
#: So long a run that is refused is asked for again.
_INSIST_S = 6.0
_TICK_S = 0.02
_LIST_S = 0.4


def play(plan: Plan, keep: Path | None = None) -> Evidence:
    """Play it; `keep` is where its folder is copied to."""
    folder = Path(tempfile.mkdtemp(prefix="plctl-chaos-"))
    os.environ["PLCTL_STATE_DIR"] = str(folder / "state")
    os.environ["PLCTL_CONFIG"] = os.devnull
    for name in ("state", "witnesses", "results"):
        (folder / name).mkdir()
    evidence = Evidence(plan)
    lab = f"c{os.getpid()}"  # others on this machine have other names
    before = remains.machine()
    try:
        with Hosts(lab, plan.hosts, plan.seed) as hosts:
            evidence.offsets_ns = {host.name: host.monotonic_offset_ns for host in hosts.lab.hosts}
            _Play(plan, evidence, folder, hosts).run()
        evidence.left += remains.of_machine(before, folder, lab)
        if keep:
            shutil.copytree(folder, keep, symlinks=True, dirs_exist_ok=True, ignore_dangling_symlinks=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return evidence


class _Play:
    def __init__(self, plan: Plan, evidence: Evidence, folder: Path, hosts: Hosts) -> None:
        self._plan, self._evidence, self._folder, self._hosts = plan, evidence, folder, hosts
        self._todo: list[tuple[int, Callable[[], None]]] = []
        self._specs: dict[str, Path] = {}
        self._eyes = Eyes(hosts)
        self._listing = 0
        self._listed_ns = 0

    def run(self) -> None:
        """From the daemons' start to what they leave behind."""
        cluster = Cluster(self._hosts, self._folder, {**os.environ})
        with_quotas = frozenset(fault.host for fault in self._plan.faults if KINDS[fault.kind].with_quota)
        mount_small(self._hosts, cluster.runs, with_quotas)
        with cluster:
            self._cluster = cluster
            try:
                cluster.await_up()
                self._follow()
                self._settle()
            except TimeoutError as error:
                self._evidence.complaints.append(str(error))
            finally:
                self._undo_all()
                self._eyes.close(self._evidence.runs)
            self._evidence.left += remains.of_runs(cluster, CLEAN_S)
            self._collect(cluster)
        self._evidence.left += remains.of_daemons(cluster)
        self._evidence.leavings = {host: daemon.left for host, daemon in cluster.daemons.items()}

    def _follow(self) -> None:
        """Everything at its time."""
        begin = self._evidence.began_ns = now_ns()
        for planned in self._plan.runs:
            seen = RunSeen(planned)
            spec = self._specs[planned.name] = planned.write(self._folder)
            self._evidence.runs.append(seen)
            self._at(begin + planned.at_ms * 10**6, lambda seen=seen, spec=spec: self._submit(seen, spec))
            if planned.cancel_ms:
                self._at(begin + planned.cancel_ms * 10**6, lambda seen=seen: self._cancel(seen))
        for planned in self._plan.faults:
            done = Done(planned, KINDS[planned.kind](planned.host, random.Random(planned.seed), self._cluster))
            self._evidence.faults.append(done)
            self._at(begin + planned.at_ms * 10**6, lambda done=done: self._inject(done, now_ns()))
        while self._todo or any(each.is_going_on for each in self._evidence.faults):
            self._tick()

    def _settle(self) -> None:
        """Until every run that was accepted is over, as the controller lists them."""
        begin = now_ns()
        while not all(each.refused or each.done_ns for each in self._evidence.runs):
            if now_ns() > begin + PATIENCE_S * 1e9:
                for each in self._evidence.runs:
                    if not each.refused and not each.done_ns:
                        phase = each.listed.get("phase", "not listed") if each.run else "not answered"
                        self._evidence.complaints.append(
                            f"{each.planned.name} was not over {PATIENCE_S:g} s after the last fault: {phase}"
                            f" {each.listed.get('cause', '')}"
                        )
                return
            self._tick()
        self._evidence.settled_s = (now_ns() - begin) / 1e9

    def _tick(self) -> None:
        self._todo.sort(key=lambda each: each[0])
        while self._todo and self._todo[0][0] <= now_ns():
            self._todo.pop(0)[1]()
            self._todo.sort(key=lambda each: each[0])
        self._cluster.tend()
        self._hear()
        self._eyes.look(self._evidence.runs)
        time.sleep(_TICK_S)

    def _at(self, at_ns: int, what: Callable[[], None]) -> None:
        self._todo.append((at_ns, what))

    # --- runs

    def _submit(self, seen: RunSeen, spec: Path) -> None:
        seen.asked_ns = seen.asked_ns or now_ns()
        seen.order = self._cluster.user.order("submit", spec=str(spec), report=self._plan.draws_report(seen.planned))

    def _cancel(self, seen: RunSeen) -> None:
        if seen.run:
            seen.cancel_order = self._cluster.user.order("cancel", run=seen.run)

    def _hear(self) -> None:
        user = self._cluster.user
        for seen in self._evidence.runs:
            if seen.order and not seen.run and not seen.refused and (answer := user.answer(seen.order)):
                seen.run, seen.refused = answer.get("run", ""), answer.get("error", "")
                seen.accepted_ns = now_ns() if seen.run else 0
                if seen.refused and now_ns() < seen.asked_ns + _INSIST_S * 1e9:  # as somebody would who wants it
                    seen.refused, seen.order = "", 0
                    self._at(now_ns() + 10**9, lambda seen=seen: self._submit(seen, self._specs[seen.planned.name]))
            if seen.cancel_order and not (seen.cancel_said or seen.cancel_refused):
                answer = user.answer(seen.cancel_order) or {}
                seen.cancel_said, seen.cancel_refused = answer.get("said", ""), answer.get("error", "")
        if self._listing and (answer := user.answer(self._listing)):
            self._listing = 0
            self._take_list({run["run"]: run for run in answer.get("runs", ())})
        if not self._listing and now_ns() > self._listed_ns + _LIST_S * 1e9:
            self._listed_ns = now_ns()
            self._listing = user.order("runs")

    def _take_list(self, listed: dict[str, dict[str, object]]) -> None:
        for seen in self._evidence.runs:
            if seen.run in listed:
                seen.listed = listed[seen.run]
                if seen.listed["phase"] == "done" and not seen.done_ns:
                    seen.done_ns = now_ns()
            elif seen.run and not seen.done_ns and self._cluster.has_cut_journal and self._listed_ns > seen.accepted_ns:
                seen.is_forgotten, seen.done_ns = True, now_ns()

    # --- faults

    def _inject(self, done: Done, since_ns: int) -> None:
        try:
            there = done.fault.inject()
        except (OSError, AssertionError, LookupError, RuntimeError) as error:
            done.why_not = f"{type(error).__name__}: {error}"
            return
        if there:
            done.from_ns = now_ns()
            if done.planned.length_ms:
                self._at(done.from_ns + done.planned.length_ms * 10**6, lambda: self._undo(done))
            else:
                done.until_ns = done.from_ns
        elif now_ns() > since_ns + done.fault.patience_s * 1e9:
            done.why_not = "what it is aimed at was not there"
        else:
            self._at(now_ns() + 1, lambda: self._inject(done, since_ns))

    def _undo(self, done: Done) -> None:
        if done.from_ns and not done.until_ns:
            try:
                done.fault.undo()
            except (OSError, AssertionError, RuntimeError) as error:
                self._evidence.complaints.append(f"cannot undo {done.planned}: {error}")
            done.until_ns = now_ns()

    def _undo_all(self) -> None:
        for done in self._evidence.faults:
            self._undo(done)

    # --- what is known in the end

    def _collect(self, cluster: Cluster) -> None:
        runs, results = self._hosts.root(CONTROLLER, cluster.runs), self._folder / "results"
        for path in runs.iterdir():
            with suppress(OSError, shutil.Error):
                if path.is_dir():
                    shutil.copytree(path, results / path.name)
        for seen in self._evidence.runs:
            seen.read(self._folder, results)
        self._evidence.logs = {host: cluster.log(host) for host in cluster.daemons}
        self._evidence.ends = {host: daemon.ends for host, daemon in cluster.daemons.items()}
