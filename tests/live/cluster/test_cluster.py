"""Many hosts, one instant, one log: a controller, agents and people on the hosts of a laboratory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.lab_cluster import Cluster, running
from support.leaks import STATE_PREFIX

from plctl.agent.lab.lab import Lab, take_down
from plctl.common.base.units import NS_PER_MS
from plctl.controller.metrics.probe_summary import find_summaries
from plctl.controller.results.run_reader import read_events, read_record

pytestmark = pytest.mark.timeout(240)

CSV = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,8\n2000,0,20,8\n"
#: A busy machine may be late; what is tested here is that every host does as it is told.
BUDGET = "budget: {lateness: 200ms, skew: 50ms, workload: 2s}"
PROBES = f"""
name: many
seed: 7
{BUDGET}
links:
  - name: leo
    count: 16
    scenario: path.csv
    workload:
      - {{name: server, at: server, command: [plctl, probe, server, --once], ready: {{udp: 8622}}}}
      - {{name: client, at: client, start: 0s,
         command: [plctl, probe, client, "{{server}}", --rate, 40pps, --size, 200, --duration, 1s]}}
"""
#: For as long as somebody lets it.
LONG = f"""
name: long
duration: 10min
{BUDGET}
links:
  - {{name: leo, count: 2, scenario: path.csv}}
"""
#: Until somebody makes the file `end` in the folder of people and daemons.
SHORT = f"""
name: short
{BUDGET}
links:
  - name: leo
    count: 2
    scenario: path.csv
    workload: [{{name: patient, at: client, start: 0s, command: "while ! [ -e FOLDER/end ]; do sleep 0.05; done"}}]
"""
#: The first link fails, the second does not.
FAILING = f"""
name: failing
{BUDGET}
links:
  - name: bad
    scenario: path.csv
    workload:
      - {{name: sailor, at: client, start: 0s, command: [sh, -c, "echo cannot find the sea >&2; exit 3"]}}
  - name: good
    scenario: path.csv
    workload: [{{name: sailor, at: client, start: 0s, command: "true"}}]
"""


def filled(folder: Path) -> Path:
    """`folder`, a working folder of people and daemons, with the run specs."""
    specs = {"path.csv": CSV, "many.yaml": PROBES, "long.yaml": LONG, "short.yaml": SHORT, "failing.yaml": FAILING}
    for name, text in specs.items():
        (folder / name).write_text(text.replace("FOLDER", str(folder)))
    return folder


@pytest.fixture(scope="module")
def two_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two hosts with agents, for several tests; they leave nothing, either."""
    name = f"t{os.getpid()}two"
    with tempfile.TemporaryDirectory(prefix=STATE_PREFIX) as state, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLCTL_STATE_DIR", state)
        with running(Lab.up(name, 2), filled(tmp_path_factory.mktemp("two"))) as cluster:
            yield cluster
        take_down(name)
        assert [".lock"] == [path.name for path in Path(state).iterdir()]


@pytest.fixture
def pair(two_hosts: Cluster) -> Iterator[Cluster]:
    """Two hosts with agents that have no run; what the last test's people fetched is gone."""
    yield two_hosts
    assert [0, 0] == [agent["links"] for agent in two_hosts.ask("agents")["agents"]]
    shutil.rmtree(two_hosts.folder / "runs", ignore_errors=True)


def has_begun(cluster: Cluster) -> bool:
    """Whether the newest run's links have started."""
    runs = cluster.ask("runs")["runs"]
    return bool(runs) and "running" == runs[0]["phase"]


def runs_of(cluster: Cluster) -> list[str]:
    """The ids of all runs, the newest first."""
    return [run["run"] for run in cluster.ask("runs")["runs"]]


def test_sixteen_links_on_four_hosts_are_one_run(bring_up: Callable[..., Lab], tmp_path: Path) -> None:
    """Started at one T0 within a stated bound, each judged; one log in order, artefacts of every link, all copied."""
    folder = filled(tmp_path)
    with running(bring_up(4), folder) as cluster:
        plan = cluster.ask("run", "many.yaml", "--plan")
        assert {"h1": 4, "h2": 4, "h3": 4, "h4": 4} == Counter(each["host"] for each in plan["assignments"])
        assert [] == cluster.ask("runs")["runs"]
        done = cluster.plctl("run", "many.yaml", "--json")
        assert 0 == done.returncode, done.stderr + cluster.logs()
    result = json.loads(done.stdout)
    copy = folder / result["folder"]
    record = read_record(copy)
    assert 16 * ["ok"] == [link.verdict for link in record.links]
    assert ["h1", "h2", "h3", "h4"] == sorted(host.name for host in record.hosts)
    for host in record.hosts:
        assert 0 < host.bound_ns <= 50 * NS_PER_MS, "a bound of nothing between different clocks would be a lie"
        assert host.clock_source
    log = read_events(copy)
    lines = (copy / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == log, "the file itself is in order"
    assert {"h1", "h2", "h3", "h4", "controller"} == {event["host"] for event in log}
    for link in record.links:
        (up,) = find_summaries((copy / "artifacts" / link.plan.name / "client.stdout").read_text())
        assert ("up", 40, 40) == (up.direction, up.sent, up.received)
    assert (copy / "telemetry.parquet").stat().st_size > 0
    assert (copy / "report.html").stat().st_size > 0


def test_a_run_that_was_left_goes_on_and_can_be_come_back_to(pair: Cluster) -> None:
    """Ctrl-C leaves it alone and says how to come back; it can be looked at, followed to its verdicts, and fetched."""
    with subprocess.Popen(pair.command("run", "short.yaml"), stderr=subprocess.PIPE, cwd=pair.folder) as following:
        pair.wait_for(lambda: has_begun(pair))
        following.send_signal(signal.SIGINT)
        _, said = following.communicate()
    assert 130 == following.returncode, said.decode()
    run = runs_of(pair)[0]
    assert f"left {run} alone" in said.decode()
    assert f"\n  plctl show {run} --follow\n  plctl fetch {run}\n  plctl cancel {run}\n" in said.decode()
    assert f"{run}, short\nrunning" in pair.plctl("show", run, who="eve").stdout
    with follow(pair, "events", run, "--event", "run.*") as events, follow(pair, "show", "last") as shown:
        assert events.stdout
        assert shown.stderr
        first = events.stdout.readline()
        assert any("running" in line for line in shown.stderr)
        (pair.folder / "end").touch()
        (rest, _), (view, _) = events.communicate(), shown.communicate()
    assert ["run.preparing", "run.done"] == [line.split()[2] for line in (first, rest.splitlines()[-1])]
    assert (0, True) == (shown.returncode, "verdict: ok" in view), view
    assert f"plctl fetch {run}" in view
    assert not (pair.folder / "runs").exists()
    assert f"results: runs/{run}\n" == pair.plctl("fetch", run[-4:]).stdout
    assert "ok" == read_record(pair.folder / "runs" / run).verdict


@contextmanager
def follow(cluster: Cluster, command: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`plctl COMMAND … --follow` at the workstation, to be read while it goes on; over with the block at the latest."""
    line = cluster.command(command, *arguments, "--follow")
    with subprocess.Popen(
        line, cwd=cluster.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_run_can_be_cancelled_from_anywhere(pair: Cluster) -> None:
    """It ends in good order, is judged cancelled, and leaves nothing to clean."""
    run = pair.plctl("run", "long.yaml", "--detach").stdout.strip()
    pair.wait_for(lambda: has_begun(pair))
    assert run == pair.ask("cancel", "last")["run"]
    shown = pair.plctl("show", run, "--follow")
    assert (130, True) == (shown.returncode, "verdict: cancelled" in shown.stdout), shown.stdout
    assert run in pair.ask("clean")["runs"]
    assert [0, 0] == [agent["links"] for agent in pair.ask("agents")["agents"]]


def test_why_tells_what_went_wrong_on_another_host(pair: Cluster) -> None:
    """The first cause, what the workload said, and the command; the other link is not blamed."""
    done = pair.plctl("run", "failing.yaml", "--no-fetch")
    assert 1 == done.returncode, done.stderr
    assert not (pair.folder / "runs").exists()
    told = pair.plctl("why", "bad", who="eve").stdout
    assert "first cause: sailor: " in told
    assert "standard error of sailor, its end:\n  cannot find the sea\n" in told
    assert "run it again: plctl run failing.yaml --no-fetch --seed " in told
    good = pair.ask("why", "good")
    assert ("ok", "", True) == (good["verdict"], good["cause"], good["telemetry"]["up"]["delivered_bytes"] >= 0)


def test_a_viewer_may_look_and_not_run(pair: Cluster) -> None:
    """Said at once, and nothing runs."""
    before = runs_of(pair)
    assert 0 == pair.plctl("agents", who="eve").returncode
    refused = pair.plctl("run", "long.yaml", who="eve")
    assert (2, True) == (refused.returncode, "who may look but not submit" in refused.stderr), refused.stderr
    assert before == runs_of(pair)


def test_what_does_not_fit_is_refused_with_the_sums(pair: Cluster) -> None:
    """Before anything is touched, and with what would help; an unknown host is named with the known ones."""
    before = runs_of(pair)
    (pair.folder / "huge.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5000,90000\n5000,0,1,1\n")
    refused = pair.plctl("run", "huge.csv")
    assert (2, True) == (refused.returncode, "fits on no host" in refused.stderr), refused.stderr
    (pair.folder / "away.yaml").write_text(LONG.replace("scenario", 'hosts: ["moon-*"], scenario'))
    refused = pair.plctl("run", "away.yaml")
    assert "'moon-*' matches no known host; known are: h1, h2" in refused.stderr
    assert before == runs_of(pair)
