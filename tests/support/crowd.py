"""A controller in a process of its own with a crowd of simulated agents, and what it costs to serve them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.compute as pc
import pyarrow.parquet as pq

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.client.config import ControllerAccess
from plctl.common.client.controller_client import Client, connect
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import requests as rq
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.security.enrolment import enroll_all, init_controller
from plctl.common.security.keys import SpokeKeys, load_controller_public, load_pair
from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.service.interpreter import set_aside

T = TypeVar("T")
INTERVAL_NS = 100 * NS_PER_MS
_UP = Schedule((Row(0, 0, 20 * NS_PER_MS, 10**7), Row(2 * NS_PER_S, 1, 25 * NS_PER_MS, 2 * 10**7)))
_DOWN = Schedule((Row(0, 0, 20 * NS_PER_MS, 5 * 10**7),))
_POLL_S = 0.05
#: Agents are on other machines: where they share the controller's, they are to leave it what it needs.
_AGENTS_NICE = 10


@dataclass(frozen=True)
class Size:
    """How large a crowd is."""

    agents: int
    processes: int  #: that the agents are in
    links: int  #: of each agent
    duration_s: int

    @property
    def samples(self) -> int:
        """That the run makes at least: two directions of each link in every interval."""
        return self.agents * self.links * 2 * self.duration_s * (NS_PER_S // INTERVAL_NS)

    @property
    def names(self) -> list[str]:
        """Of all agents."""
        return [name for crowd in range(self.processes) for name in self.names_of(crowd)]

    def names_of(self, crowd: int) -> list[str]:
        """Of the agents in one process."""
        return [f"sim{crowd}-{number}" for number in range(self.agents // self.processes)]

    def request(self) -> RunRequest:
        """A run with all links, anywhere."""
        links = (LinkPlan(f"l{number}", _UP, _DOWN, number) for number in range(self.agents * self.links))
        return RunRequest("crowd", 1, tuple(map(LinkRequest, links)), self.duration_s * NS_PER_S)


@dataclass
class Outcome:
    """What came of a run."""

    record: RunRecord
    folder: Path
    samples: int  #: that were kept
    hosts: int  #: that have samples
    arming_s: float  #: from ARM to the last ARMED
    latencies_s: dict[str, list[float]]  #: by command, of each time it was asked while the run went on, in order
    listed: set[int]  #: how many agents those answers named
    watched_s: float = 0.0  #: how long the run went on: until the controller had handled all of it
    cpu_s: dict[str, float] = field(default_factory=dict)  #: by part, meanwhile
    peak_bytes: int = 0  #: of the controller's memory


class Crowd:
    """The processes; made by `crowd`."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.size = size
        self.runs = folder / "runs"
        self._keys = folder / "keys"
        self._log = folder / "controller.jsonl"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_controller(self) -> str:
        """Where it listens."""
        init_controller(self._keys, "ada")
        enroll_all(self._keys, self.size.names, "agent")
        with self._log.open("wb") as log:
            self._start("controller", "plctl.common", "controller", "--listen", "tcp://127.0.0.1:*",
                        "--keys", str(self._keys), "--runs", str(self.runs), stderr=log.fileno())  # fmt: skip
        for _ in _patiently(60):
            for line in self._log.read_text().splitlines():
                if (event := json.loads(line))["event"] == "controller.listening":
                    return str(event["address"])
            assert self._processes["controller"].poll() is None, self._log.read_text()
        raise AssertionError(f"the controller does not listen: {self._log.read_text()}")

    def start_agents(self, address: str) -> None:
        """All of them, in the processes that the size says."""
        for number in range(self.size.processes):
            count = len(self.size.names_of(number))
            self._start(f"agents {number}", "plctl.agent", "--controller", address, "--leave-with-stdin",
                        "--simulate", str(self.size.links), "--agents", str(count), "--name", f"sim{number}",
                        "--keys", str(self._keys / "enrolled"), nice=_AGENTS_NICE)  # fmt: skip

    def access(self, address: str) -> ControllerAccess:
        """The operator's."""
        return ControllerAccess(
            address, SpokeKeys(load_pair(self._keys, "operator"), load_controller_public(self._keys))
        )

    def stop(self) -> None:
        """End all processes; they must leave by themselves."""
        for process in self._processes.values():
            process.terminate()
        for name, process in self._processes.items():
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(60) == 0, f"{name} ended with status {process.returncode}"

    def cpu_s(self) -> dict[str, float]:
        """What each part has used so far, its threads included."""
        used: dict[str, float] = {}
        for name, process in self._processes.items():
            part = name.split()[0]
            used[part] = used.get(part, 0.0) + _cpu_s(process.pid)
        return used

    def peak_bytes(self) -> int:
        """The most memory that the controller had."""
        status = Path(f"/proc/{self._processes['controller'].pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024

    def _start(self, name: str, module: str, *arguments: str, stderr: int | None = None, nice: int = 0) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._processes[name] = process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=stderr)
        os.setpriority(os.PRIO_PROCESS, process.pid, nice)  # before it has threads, which inherit it


@asynccontextmanager
async def crowd(folder: Path, size: Size) -> AsyncIterator[tuple[Crowd, Client]]:
    """A controller that knows all agents of the crowd, and its operator's client."""
    made = Crowd(folder, size)
    with _stopped(made):
        address = made.start_controller()
        made.start_agents(address)
        async with connect(made.access(address)) as client:
            async with asyncio.timeout(120):
                while sum(each.connected for each in (await _agents(client)).agents) < size.agents:
                    await asyncio.sleep(_POLL_S)
            yield made, client


async def carry(crowd: Crowd, client: Client, pause_s: float) -> Outcome:
    """Take a run through, asking for the list of agents again and again with pauses while it goes on."""
    submit = rq.Submit(crowd.size.request())
    run = (await client.ask(submit, rq.Submitted, 60)).run
    set_aside()  # no command has a plan of so many links, and Arrow, for its garbage collector to look through
    latencies: dict[str, list[float]] = {"runs": [], "agents": []}
    listed = set()
    before, began_s = await _running(client, run, crowd), time.perf_counter()
    while await _timed(_phase(client), latencies["runs"]) == "running":
        agents = (await _timed(_agents(client), latencies["agents"])).agents
        listed.add(sum(each.connected for each in agents))
        await asyncio.sleep(pause_s)
    watched_s = time.perf_counter() - began_s
    cpu_s = {part: used - before[part] for part, used in crowd.cpu_s().items()}
    peak_bytes = crowd.peak_bytes()
    async with asyncio.timeout(240):
        while await _phase(client) != "done" or not _complete(crowd.runs / run):
            await asyncio.sleep(_POLL_S)
    folder = crowd.runs / run
    samples, hosts = _count(folder)
    return Outcome(read_record(folder), folder, samples, hosts, _arming_s(folder), latencies, listed,
                   watched_s, cpu_s, peak_bytes)  # fmt: skip


async def _running(client: Client, run: str, crowd: Crowd) -> dict[str, float]:
    """The CPU times when the run has started."""
    async with asyncio.timeout(120):
        while (phase := await _phase(client)) != "running":
            assert phase not in ("releasing", "done"), f"run {run} did not start"
            await asyncio.sleep(_POLL_S)
    return crowd.cpu_s()


async def _timed(question: Coroutine[Any, Any, T], latencies_s: list[float]) -> T:
    asked_s = time.perf_counter()
    answer = await question
    latencies_s.append(time.perf_counter() - asked_s)
    return answer


async def _phase(client: Client) -> str:
    return (await client.ask(rq.ListRuns(1), rq.Runs, 60)).runs[0].phase


async def _agents(client: Client) -> rq.Agents:
    return await client.ask(rq.ListAgents(), rq.Agents, 60)


def _complete(folder: Path) -> bool:
    return (folder / "telemetry.parquet").exists() and (folder / "report.html").exists()


def _count(folder: Path) -> tuple[int, int]:
    """Samples, and the hosts that they are of."""
    target = folder / "telemetry.parquet"
    rows, hosts = 0, set()
    for path in [target] if target.is_file() else sorted(target.iterdir()):
        with pq.ParquetFile(path) as file:
            rows += file.metadata.num_rows
            for batch in file.iter_batches(columns=["host"], use_threads=False):
                hosts.update(pc.unique(batch["host"]).to_pylist())
    return rows, len(hosts)


def _arming_s(folder: Path) -> float:
    at_ns = {event["event"]: event["t_ns"] for event in read_events(folder) if event["host"] == "controller"}
    return float(at_ns["run.committed"] - at_ns["run.arming"]) / NS_PER_S


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _patiently(seconds: float) -> Iterator[None]:
    """Turns of a loop that waits for something, for so long at most."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        yield
        time.sleep(_POLL_S)


@contextmanager
def _stopped(crowd: Crowd) -> Iterator[None]:
    try:
        yield
    finally:
        crowd.stop()
