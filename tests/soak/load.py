"""Batches of short runs on one host under faults, and after each what there is."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from chaos.cluster import CONTROLLER, Cluster
from chaos.faults.fault import Fault
from chaos.faults.kinds import KINDS
from chaos.hosts import Hosts
from truth.world import await_it

from soak.counted import of_folder, of_process
from soak.slopes import Series

#: Faults that end no process, so that each is counted over a long time; and, seldom, one that does.
GENTLE = (
    "partition", "one-way loss", "30 % loss", "reordering", "duplication", "reset", "stop controller", "stop agent",
    "stop forwarder", "kill workload", "kill gate", "delete namespace", "delete veth", "stepped wall clock",
)  # fmt: skip
_HARSH = "kill forwarder"
_HOST = "h1"
_LINKS, _RUNS = 100, 2
_PATIENCE_S = 60.0
#: Faults are as long as a batch at most.
_FAULT_S = 1.5
_HARSH_EVERY = 40
_VAR_TMP = Path("/var/tmp")


class Soak:
    """A cluster of one host that carries batch after batch."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster = cluster
        self._dice = random.Random(seed)
        self._specs = _write_specs(cluster.folder)
        self._pids: dict[str, int] = {}
        self.links = 0
        self.batches = 0
        self.verdicts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.series: dict[str, Series] = {}

    def batch(self, *, disturb: bool) -> None:
        """Some runs at once, to their end, and a fault meanwhile."""
        self.batches += 1
        orders = [self._cluster.user.order("submit", spec=str(spec), report=False) for spec in self._specs]
        fault = self._begin_fault() if disturb else None
        begun = time.monotonic()
        runs = [self._answer(order).get("run", "") for order in orders]
        if fault:
            while time.monotonic() < begun + _FAULT_S:
                self._cluster.tend()
                time.sleep(0.02)
            fault.undo()
        self._await_over([run for run in runs if run])
        await_it(self._is_at_rest, "a host without links", _PATIENCE_S)

    def count(self) -> None:
        """What each process and the host have now."""
        hosts = self._cluster.hosts
        for role, host in (("controller", CONTROLLER), ("agent", _HOST), ("forwarder", _HOST)):
            for process in self._cluster.part(host, role)[:1]:
                is_new = self._pids.get(role) != process.pid
                self._pids[role] = process.pid
                for name, value in of_process(process.pid).items():
                    self._add(f"{role} {name}", value, is_new=is_new)
        state = hosts.root(_HOST, hosts.lab.host(_HOST).state_folder)
        self._add("host namespaces", len(list(hosts.root(_HOST, Path("/run/netns")).iterdir())))
        self._add("host processes", len(hosts.processes(_HOST)))
        self._add("state folder KiB", of_folder(state))
        self._add("/var/tmp KiB", of_folder(hosts.root(_HOST, _VAR_TMP)))
        self._add("journal KiB", sum(path.stat().st_size for path in self._cluster.runs.glob("*.sqlite*")) / 1024)
        self.series["journal KiB"].kept = True

    def _add(self, name: str, value: float, *, is_new: bool = False) -> None:
        self.series.setdefault(name, Series(name)).add(self.links, value, is_new=is_new)

    def _begin_fault(self) -> Fault | None:
        harsh = self.batches % _HARSH_EVERY == 0
        kind = KINDS[_HARSH if harsh else self._dice.choice(GENTLE)]
        fault = kind(CONTROLLER if kind.where == "controller" else _HOST, self._dice, self._cluster)
        begun = time.monotonic()
        while not (done := fault.inject()) and time.monotonic() < begun + 1:
            time.sleep(0.02)
        self.faults[kind.name] += done
        return fault if done else None

    def _answer(self, order: int) -> dict[str, Any]:
        answer = await_it(lambda: self._cluster.user.answer(order), "an answer", _PATIENCE_S)
        if "error" in answer:
            self.verdicts["refused"] += 1
        return answer

    def _await_over(self, runs: list[str]) -> None:
        def look() -> dict[str, Any] | None:
            self._cluster.tend()
            listed = {run["run"]: run for run in self._cluster.user.ask("runs").get("runs", ())}
            over = all(listed.get(run, {}).get("phase") == "done" for run in runs)
            return listed if over else None

        listed = await_it(look, "the end of a batch", _PATIENCE_S)
        for run in runs:
            self.verdicts[listed[run]["verdict"]] += 1
            self.links += listed[run]["links"]
            shutil.rmtree(self._cluster.runs / run, ignore_errors=True)  # whoever keeps results needs a disk for them

    def _is_at_rest(self) -> bool | None:
        self._cluster.tend()
        names = self._cluster.hosts.root(_HOST, Path("/run/netns")).iterdir()
        return None if any(path.name.startswith("pl-") for path in names) else True


def soak(seconds: float, seed: int, *, disturb: bool = True, tell: Any = print) -> Soak:
    """Batches for so long; counted after each."""
    folder = Path(tempfile.mkdtemp(prefix="plctl-soak-"))
    os.environ["PLCTL_STATE_DIR"], os.environ["PLCTL_CONFIG"] = str(folder / "state"), os.devnull
    (folder / "state").mkdir()
    (folder / "witnesses").mkdir()
    try:
        with Hosts(f"s{os.getpid()}", 1, seed) as hosts, Cluster(hosts, folder, {**os.environ}) as cluster:
            cluster.await_up()
            made, begun = Soak(cluster, seed), time.monotonic()
            while time.monotonic() < begun + seconds:
                made.batch(disturb=disturb)
                made.count()
                if made.batches % 10 == 0:
                    tell(f"{time.monotonic() - begun:.0f} s: {made.links} links")
            return made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_specs(folder: Path) -> list[Path]:
    """Some runs of links that nobody uses, and one with programs."""
    (folder / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n200,0,2,10\n")
    workload = [{"at": "client", "command": "echo hello", "start": "0s"}]
    found = []
    for number in range(_RUNS):
        has_programs = number == 0
        link = {"name": "l", "scenario": "flat.csv", "count": 4 if has_programs else _LINKS, "hosts": [_HOST]}
        spec = {
            "name": f"s{number}", "duration": "0.4s", "budget": {"lateness": "1s", "skew": "1s", "workload": "2s"},
            "links": [link | ({"workload": workload} if has_programs else {})],
        }  # fmt: skip
        found.append(folder / f"s{number}.yaml")
        found[-1].write_text(json.dumps(spec))
    return found
