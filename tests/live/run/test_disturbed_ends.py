"""A run whose interfaces somebody meddles with is not ok: its verdict names what was done, and when."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PLCTL = [sys.executable, "-m", "plctl.common"]
PATIENCE_S = 60
SOON_S = 0.1  #: within which the moment is told
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n"
SECOND_NS = 10**9
#: No other witness is to object on a machine with other things to do: not to gaps of the worker, nor to a slow start.
BUDGET = {"lateness": "900ms", "skew": "900ms", "workload": "2s"}

#: Sends a datagram every ten milliseconds for two seconds, each way on its own, as long as it can.
SEND = (
    "import socket, sys, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); end = time.monotonic() + 2\n"
    "while time.monotonic() < end:\n"
    "    try: s.sendto(bytes(500), (sys.argv[1], 9))\n"
    "    except OSError: pass\n"
    "    time.sleep(0.01)\n"
)


@dataclass(frozen=True)
class Outcome:
    """What became of a link that was disturbed."""

    link: dict[str, Any]  #: of run.json
    events: list[dict[str, Any]]  #: `interface.changed`, of this link
    began_s: float  #: when the disturbance began and ended, after T0
    ended_s: float

    @property
    def told(self) -> list[str]:
        """The cause and everything beside it."""
        return [self.link["cause"], *self.link["also"]]


def disturb(folder: Path, io: str, commands: Sequence[str]) -> list[Outcome]:
    """A run of two seconds, datagrams both ways, of a link for each of `commands`.

    All are run in its middle, at once, each with the names of its own link's namespaces. The run exits with 1.
    """
    (folder / "short.csv").write_text(SCENARIO)
    (folder / "short.yaml").write_text(json.dumps({
        "budget": BUDGET,
        "links": [{
            "name": "short", "count": len(commands), "scenario": "short.csv",
            "workload": [
                {"at": "client", "name": "up", "command": [sys.executable, "-c", SEND, "{server}"], "start": "0s"},
                {"at": "server", "name": "down", "command": [sys.executable, "-c", SEND, "{client}"], "start": "0s"},
            ],
        }]
    }))  # fmt: skip
    command = [*PLCTL, "run", "short.yaml", "--io", io, "--no-report"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            netns = await_start(folder, process, len(commands))
            with ThreadPoolExecutor(len(commands)) as pool:
                times = list(pool.map(carry_out, commands, (netns[f"short-{n}"] for n in range(len(commands)))))
            assert 1 == process.wait(PATIENCE_S)
        finally:
            process.kill()
    (run,) = (folder / "runs").iterdir()
    changes = [each for each in read_events(run) if each["event"] == "interface.changed"]
    outcomes = []
    for link, (began_ns, ended_ns) in zip(json.loads((run / "run.json").read_text())["links"], times, strict=True):
        of_link = [each for each in changes if each["link"] == link["plan"]["name"]]
        t0_ns = link["planned_ns"]
        outcomes.append(Outcome(link, of_link, (began_ns - t0_ns) / SECOND_NS, (ended_ns - t0_ns) / SECOND_NS))
    return outcomes


def carry_out(command: str, netns: str) -> tuple[int, int]:
    """Run `command`, the names of the namespaces beside `netns` filled in; when that began and ended."""
    names = {end: f"{netns.removesuffix('link')}{end}" for end in ("client", "link", "server")}
    began_ns = time.monotonic_ns()
    subprocess.run(["bash", "-c", command.format(**names)], check=True)
    return began_ns, time.monotonic_ns()


def await_start(folder: Path, process: subprocess.Popen[bytes], links: int) -> dict[str, str]:
    """Each link's name and that of its namespace, once the scenarios of all run."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        events = [each for run in folder.glob("runs/*") for each in read_events(run)]
        if links == sum(each["event"] == "link.started" for each in events):
            return {each["link"]: each["netns"] for each in events if each["event"] == "link.built"}
        assert time.monotonic() < deadline
        assert process.poll() is None
        select.select([], [], [], 0.01)


def read_events(run: Path) -> list[dict[str, Any]]:
    """Those that are written down by now, each as a whole line."""
    log = run / "events.jsonl"
    text = log.read_text() if log.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


@pytest.fixture(params=["packet", "xdp"])
def io(request: pytest.FixtureRequest) -> str:
    """The back end."""
    return str(request.param)


@pytest.mark.undisturbed
def test_an_interface_that_is_deleted_fails_the_run(tmp_path: Path, io: str) -> None:
    """With the moment, in the verdict as in the log; of each link only what was done to it is told."""
    deleted = {"veth1": "client", "sim-veth1": "link", "sim-veth2": "link", "veth2": "server"}
    outcomes = disturb(tmp_path, io, [f"ip -n {{{end}}} link del {interface}" for interface, end in deleted.items()])
    for interface, outcome in zip(deleted, outcomes, strict=True):
        assert "failed" == outcome.link["verdict"]
        assert outcome.link["cause"].startswith((f"{interface} was deleted ", f"{twin(interface)} was deleted "))
        gone = [each for each in outcome.link["result"]["interfaces"]["changes"] if each["gone"]]
        assert {interface, twin(interface)} == {each["interface"] for each in gone}
        assert {interface, twin(interface)} == {each["interface"] for each in outcome.events if each["gone"]}
        for each in gone:
            at_s = (each["at_ns"] - outcome.link["planned_ns"]) / SECOND_NS
            assert outcome.began_s <= at_s <= outcome.ended_s + SOON_S


def twin(interface: str) -> str:
    """The other end of its pair."""
    return interface.removeprefix("sim-") if interface.startswith("sim-") else f"sim-{interface}"


def test_frames_that_an_end_loses_are_lost_by_the_machine(tmp_path: Path, io: str) -> None:
    """Not by the scenario: where an end is down for a second, and where tc drops what was delivered."""
    down = "ip -n {{link}} link set {0} down; sleep 1; ip -n {{link}} link set {0} up"
    drop = "bpf direct-action bytecode 1,6\\ 0\\ 0\\ 2"
    tc = "tc -n {{{0}}} qdisc add dev {1} clsact; tc -n {{{0}}} filter add dev {1} ingress " + drop
    interfaces = ("sim-veth1", "sim-veth2")
    dropping = (("server", "veth2", "up"), ("client", "veth1", "down"))
    outcomes = disturb(tmp_path, io, [*map(down.format, interfaces), *(tc.format(*each[:2]) for each in dropping)])
    for outcome in outcomes:
        assert "overloaded" == outcome.link["verdict"]
        assert outcome.link["cause"].startswith("the machine, not the scenario, lost ")
    for interface, outcome in zip(interfaces, outcomes[:2], strict=True):
        assert any(f"{interface} went down " in sentence for sentence in outcome.told)
        up, back = outcome.link["result"]["interfaces"]["passages"]
        assert [0] * 4 == [each[name] for each in (up, back) for name in ("missing_in", "missing_out")]
    for (_, interface, direction), outcome in zip(dropping, outcomes[2:], strict=True):
        assert outcome.link["cause"].endswith(f" frames {direction} to tc at the ingress of {interface}")
        assert any(f"{interface} was given a tc filter (bpf) at its ingress " in sentence for sentence in outcome.told)


#: What may have changed the path though every frame is somewhere, and how the cause of the verdict begins.
DOUBTFUL = {
    "tc -n {client} qdisc add dev veth1 root tbf rate 10gbit burst 90000 limit 900000": "veth1 was given qdisc tbf ",
    "ip -n {client} link set veth1 mtu 1400": "veth1 has MTU 1400 instead of 1500 ",
    "ip -n {link} link set sim-veth2 mtu 1600": "sim-veth2 has MTU 1600 instead of 1500 ",
    "ip netns del {client}": "veth1 is in a namespace that lost its name, ",
    "ip netns del {link}": "sim-veth1 is in a namespace that lost its name, ",
}


def test_what_may_have_changed_the_path_leaves_it_unproven(tmp_path: Path, io: str) -> None:
    """Though every frame is somewhere."""
    outcomes = disturb(tmp_path, io, [*DOUBTFUL])
    for what, outcome in zip(DOUBTFUL.values(), outcomes, strict=True):
        assert "unproven" == outcome.link["verdict"], what
        assert outcome.link["cause"].startswith(what)
        books = [each for each in outcome.link["certificate"] if each["witness"] == "books"]
        assert "ok" in {each["verdict"] for each in books}


def test_what_a_workload_does_to_its_own_end_before_t0_is_no_disturbance(tmp_path: Path) -> None:
    """It is said beside the verdict."""
    (tmp_path / "short.csv").write_text(SCENARIO)
    (tmp_path / "short.yaml").write_text(json.dumps({
        "duration": "1s", "budget": BUDGET,
        "links": [{
            "name": "short", "scenario": "short.csv",
            "workload": [{"at": "client", "name": "up", "command": "ip link set veth1 mtu 1400"}],
        }]
    }))  # fmt: skip
    command = [*PLCTL, "run", "short.yaml", "--no-report"]
    subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
    (run,) = (tmp_path / "runs").iterdir()
    (link,) = json.loads((run / "run.json").read_text())["links"]
    assert "ok" == link["verdict"]
    (also,) = [sentence for sentence in link["also"] if "veth1" in sentence]  # beside: nothing was carried
    assert also.startswith("veth1 has MTU 1400 instead of 1500 ")
    assert also.endswith(" before T0")
