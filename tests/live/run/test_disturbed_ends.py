"""A run whose interfaces somebody meddles with is not ok: its verdict names what was done, and when."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
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

#: Sends a datagram every millisecond for two seconds, each way on its own, as long as it can.
SEND = (
    "import socket, sys, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); end = time.monotonic() + 2\n"
    "while time.monotonic() < end:\n"
    "    try: s.sendto(bytes(500), (sys.argv[1], 9))\n"
    "    except OSError: pass\n"
    "    time.sleep(0.001)\n"
)


@dataclass(frozen=True)
class Outcome:
    """What became of a run that was disturbed."""

    link: dict[str, Any]  #: of run.json
    events: list[dict[str, Any]]  #: `interface.changed`
    began_s: float  #: when the disturbance began and ended, after T0
    ended_s: float
    status: int

    @property
    def told(self) -> list[str]:
        """The cause and everything beside it."""
        return [self.link["cause"], *self.link["also"]]


def disturb(folder: Path, command: str, io: str) -> Outcome:
    """A run of two seconds, datagrams both ways; `command` is run in its middle, the namespaces' names filled in."""
    (folder / "short.csv").write_text(SCENARIO)
    (folder / "short.yaml").write_text(json.dumps({
        "budget": BUDGET,
        "links": [{
            "name": "short", "scenario": "short.csv",
            "workload": [
                {"at": "client", "name": "up", "command": [sys.executable, "-c", SEND, "{server}"], "start": "0s"},
                {"at": "server", "name": "down", "command": [sys.executable, "-c", SEND, "{client}"], "start": "0s"},
            ],
        }]
    }))  # fmt: skip
    with subprocess.Popen([*PLCTL, "run", "short.yaml", "--io", io], cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            netns = await_start(folder, process)
            names = {end: f"{netns.removesuffix('link')}{end}" for end in ("client", "link", "server")}
            began_ns = time.monotonic_ns()
            subprocess.run(["bash", "-c", command.format(**names)], check=True)
            ended_ns = time.monotonic_ns()
            status = process.wait(PATIENCE_S)
        finally:
            process.kill()
    (run,) = (folder / "runs").iterdir()
    (link,) = json.loads((run / "run.json").read_text())["links"]
    events = [each for each in read_events(run) if each["event"] == "interface.changed"]
    t0_ns = link["planned_ns"]
    return Outcome(link, events, (began_ns - t0_ns) / SECOND_NS, (ended_ns - t0_ns) / SECOND_NS, status)


def await_start(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """The name of the link's namespace, once its scenario runs."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        events = [each for run in folder.glob("runs/*") for each in read_events(run)]
        if any(each["event"] == "link.started" for each in events):
            return next(str(each["netns"]) for each in events if each["event"] == "link.built")
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


@pytest.mark.parametrize(
    ("command", "interface"),
    [
        ("ip -n {client} link del veth1", "veth1"),
        ("ip -n {link} link del sim-veth1", "sim-veth1"),
        ("ip -n {link} link del sim-veth2", "sim-veth2"),
        ("ip -n {server} link del veth2", "veth2"),
    ],
)
def test_an_interface_that_is_deleted_fails_the_run(tmp_path: Path, command: str, interface: str, io: str) -> None:
    """With the moment, in the verdict as in the log."""
    outcome = disturb(tmp_path, command, io)
    assert ("failed", 1) == (outcome.link["verdict"], outcome.status)
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


@pytest.mark.parametrize("interface", ["sim-veth1", "sim-veth2"])
def test_an_end_that_is_down_for_a_second_loses_frames(tmp_path: Path, interface: str, io: str) -> None:
    """Which the machine lost, not the scenario; that it went down stands beside it."""
    outcome = disturb(
        tmp_path, f"ip -n {{link}} link set {interface} down; sleep 1; ip -n {{link}} link set {interface} up", io
    )
    assert ("overloaded", 1) == (outcome.link["verdict"], outcome.status)
    assert outcome.link["cause"].startswith("the machine, not the scenario, lost ")
    assert any(f"{interface} went down " in sentence for sentence in outcome.told)
    up, down = outcome.link["result"]["interfaces"]["passages"]
    assert [0] * 4 == [each[name] for each in (up, down) for name in ("missing_in", "missing_out")]


@pytest.mark.parametrize(("netns", "interface", "direction"), [("server", "veth2", "up"), ("client", "veth1", "down")])
def test_frames_that_tc_drops_are_lost_by_the_machine(
    tmp_path: Path, netns: str, interface: str, direction: str, io: str
) -> None:
    """They were delivered, and no program got them."""
    tc = f"tc -n {{{netns}}}"
    drop = "bpf direct-action bytecode 1,6\\ 0\\ 0\\ 2"
    outcome = disturb(
        tmp_path, f"{tc} qdisc add dev {interface} clsact; {tc} filter add dev {interface} ingress {drop}", io
    )
    assert ("overloaded", 1) == (outcome.link["verdict"], outcome.status)
    assert outcome.link["cause"].startswith("the machine, not the scenario, lost ")
    assert outcome.link["cause"].endswith(f" frames {direction} to tc at the ingress of {interface}")
    assert any(f"{interface} was given a tc filter (bpf) at its ingress " in sentence for sentence in outcome.told)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (
            "tc -n {client} qdisc add dev veth1 root tbf rate 10gbit burst 90000 limit 900000",
            "veth1 was given qdisc tbf ",
        ),
        ("ip -n {client} link set veth1 mtu 1400", "veth1 has MTU 1400 instead of 1500 "),
        ("ip -n {link} link set sim-veth2 mtu 1600", "sim-veth2 has MTU 1600 instead of 1500 "),
        ("ip netns del {client}", "veth1 is in a namespace that lost its name, "),
        ("ip netns del {link}", "sim-veth1 is in a namespace that lost its name, "),
    ],
)
def test_what_may_have_changed_the_path_leaves_it_unproven(tmp_path: Path, command: str, what: str, io: str) -> None:
    """Though every frame is somewhere."""
    outcome = disturb(tmp_path, command, io)
    assert ("unproven", 1) == (outcome.link["verdict"], outcome.status)
    assert outcome.link["cause"].startswith(what)
    assert any(
        statement["witness"] == "books" and statement["verdict"] == "ok" for statement in outcome.link["certificate"]
    )


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
    subprocess.run(
        [*PLCTL, "run", "short.yaml"], cwd=tmp_path, stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE_S
    )
    (run,) = (tmp_path / "runs").iterdir()
    (link,) = json.loads((run / "run.json").read_text())["links"]
    assert "ok" == link["verdict"]
    (also,) = [sentence for sentence in link["also"] if "veth1" in sentence]  # beside: nothing was carried
    assert also.startswith("veth1 has MTU 1400 instead of 1500 ")
    assert also.endswith(" before T0")
