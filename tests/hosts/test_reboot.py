"""A host that is started again while a run is on it: what it had is gone, told by name, and made again elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.control import Control
from lab.deploying import Workstation, workstation
from lab.real_host import RealHost
from lab.real_lab import RealLab

pytestmark = pytest.mark.timeout(600)

#: So long that the host is back, and has told what it lost, while the other link still runs.
_DURATION_S = 40
#: All hosts share the CPUs of one machine, which the tests of others may keep busy: none of this is about time.
_BUDGET = {"skew": "10s", "lateness": "10s", "workload": "10s"}


@pytest.fixture
def desk(lab: RealLab, control: Control, cache: Path) -> Iterator[Workstation]:
    """The workstation; agents serve on all three hosts, and are removed at the end."""
    with workstation(lab, control, cache, lab.hosts) as desk:
        done = desk.deploy()
        assert 0 == done.status, done
        yield desk
        desk.deploy("--remove")


def write_spec(control: Control) -> str:
    """One link on h1 and one on any of the other two, each with a program that writes until the end."""
    (control.seat.home / "steady.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n")
    writes = {"at": "client", "name": "writer", "command": "sh -c 'while :; do date; sleep 0.2; done'", "start": "0s"}
    link = {"scenario": "steady.csv", "workload": [writes]}
    links = [{"name": "stays", "hosts": ["h1"], **link}, {"name": "moves", "hosts": ["h2", "h3"], **link}]
    path = control.seat.home / "reboot.yaml"
    path.write_text(
        json.dumps({"name": "reboot", "duration": f"{_DURATION_S}s", "retries": 1, "budget": _BUDGET, "links": links})
    )
    return str(path)


def run_files(host: RealHost) -> str:
    """What is on the host of a run: folders for output, and namespaces."""
    return host.run(["sh", "-c", "ls -d /var/tmp/plctl-*/*-* /run/netns/pl-* 2>/dev/null || :"]).stdout


def show(control: Control, run: str) -> dict[str, Any]:
    """`plctl show`, once the run is over."""
    found: dict[str, Any] = json.loads(control.ask("show", run, "--follow", "--json").stdout)["result"]
    return found


@pytest.mark.usefixtures("desk")
def test_a_host_that_is_started_again_loses_its_links_by_name_and_they_are_made_again_elsewhere(
    lab: RealLab, control: Control
) -> None:
    """Its agent reaps what it had and says so; its links have failed, with the moment; the next attempt avoids it."""
    done = control.ask("run", write_spec(control), "--detach", "--json")
    assert 0 == done.returncode, done.stderr
    run = json.loads(done.stdout)["run"]
    control.await_phase("running")
    placed = json.loads(control.ask("show", run, "--json").stdout)
    (name,) = [link["host"] for link in placed["links"] if link["link"] == "moves"]
    host = lab.host(name)
    assert "/var/tmp/" in run_files(host)
    host.power_off()
    host.boot()
    assert "" == run_files(host), "its agent has not reaped"

    first = show(control, run)
    links = {link["name"]: link for link in first["links"]}
    assert "failed" == links["moves"]["verdict"], first
    assert re.match(f"agent lost [0-9.]+ s after T0: the host of {name} was started again", links["moves"]["cause"])
    assert "failed" != links["stays"]["verdict"], "the other host went on, as by default"
    assert ("agent lost", [name]) == (first["setback"], first["setback_by"])

    second = show(control, f"{run}-2")
    assert "failed" != second["verdict"], second["cause"]
    assert name not in {link["host"] for link in second["links"]}
    events = json.loads(control.ask("events", run, "--json").stdout)
    told = [(each["host"], each["links"], each["cause"]) for each in events if each["event"] == "agent.lost_links"]
    assert [(name, ["moves"], "the host was started again")] == told
