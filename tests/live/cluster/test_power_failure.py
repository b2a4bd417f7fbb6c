"""The power of the controller's machine fails: what reached its disk is found again, and nothing that is half there.

The disk is an ext4 file system in a file, on which the controller keeps its runs and its journal. A copy of that file
has what was written to the disk by then and nothing of what the kernel still kept in memory, as after a power failure.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.loopback_cluster import PLCTL, LoopbackCluster, loopback_cluster

from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.service.disk import PERIOD_S

#: What the controller had acknowledged before is there: its period, and as long again for a slow disk.
BOUND_S = 2 * PERIOD_S + 0.5
SPEC = """
name: powered
budget: {lateness: 1s, skew: 1s, workload: 2s}
links: [{name: x, scenario: flat.csv, workload: [{at: client, start: 0s, command: "sleep SECONDS"}]}]
"""

pytestmark = pytest.mark.timeout(300)


@contextmanager
def disk(image: Path, folder: Path) -> Iterator[None]:
    """The file system in `image` at `folder`; its own thread writes nothing by itself meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-o", "loop,commit=900", image, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def stopped(pid: int, until: Callable[[Callable[[], bool]], None]) -> Iterator[None]:
    """No thread of the process runs, and none waits for the disk."""
    tasks = Path(f"/proc/{pid}/task")
    os.kill(pid, signal.SIGSTOP)
    until(lambda: {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks.iterdir()} == {"T"})
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def specs(folder: Path, seconds: float) -> Path:
    """A run of one link that takes so long."""
    (folder / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n")
    path = folder / f"powered-{seconds:g}.yaml"
    path.write_text(SPEC.replace("SECONDS", f"{seconds:g}"))
    return path


def happened_before(run: Path, wall_ns: int) -> set[str]:
    """The events of a run up to an instant, by name and link."""
    events = [event for event in read_events(run) if int(event["t_ns"]) < wall_ns]
    return {f"{event['event']} {event['link']}" for event in events}


def test_what_was_acknowledged_long_enough_ago_is_found_after_a_power_failure(tmp_path: Path) -> None:
    """A run that was over is whole; one that went on has failed, by name; the journal opens."""
    image, copy = tmp_path / "disk", tmp_path / "copy"
    image.touch()
    os.truncate(image, 64 * 2**20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    with disk(image, tmp_path / "runs"), loopback_cluster(tmp_path, "a") as controlled:
        over = controlled.submit(specs(tmp_path, 0.5))
        log = tmp_path / "controller.log"
        controlled.until(lambda: '"run.done"' in log.read_text())
        going_on = controlled.submit(specs(tmp_path, 8))
        controlled.until_happened(going_on, "link.started")
        deadline = time.monotonic() + BOUND_S + random.Random().uniform(0.0, 1.5)
        controlled.until(lambda: time.monotonic() > deadline)
        with stopped(controlled.controller_pid, controlled.until):
            moment = time.monotonic_ns() - int(BOUND_S * 1e9)
            shutil.copyfile(image, copy)
        expected = happened_before(going_on, moment)
        assert "link.started x" in expected
        assert_secrets_are_kept(controlled)
        controlled.kill_controller()
        assert_found_again(copy, controlled, over, going_on, expected)


def assert_secrets_are_kept(controlled: LoopbackCluster) -> None:
    """No secret key is in a log, a result, an answer, or what everybody sees of a process."""
    secrets = [json.loads(path.read_text())["secret"].encode() for path in controlled.keys.rglob("*.key")]
    assert len(secrets) == 3, "the controller's, the operator's and the agent's"
    seen = [path for path in controlled.folder.rglob("*") if path.is_file() and controlled.keys not in path.parents]
    seen += [path / name for path in Path("/proc").glob("[0-9]*") for name in ("cmdline", "environ")]
    texts = {}
    for path in seen:
        with suppress(OSError):  # a process that has ended
            texts[str(path)] = path.read_bytes()
    texts |= {command: json.dumps(controlled.ask(command)).encode() for command in ("agents", "runs")}
    assert not [name for name, text in texts.items() for secret in secrets if secret in text]


def files(run: Path) -> dict[Path, bytes]:
    """All that is in the folder of a run."""
    return {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}


@contextmanager
def controller_after_a_boot(controlled: LoopbackCluster, runs: Path, log: Path) -> Iterator[None]:
    """A controller of the cluster for `runs`, whose clock is another than that of its predecessor."""
    another_boot = ("unshare", "--time", "--monotonic", "1000", "--fork")
    arguments = ("controller", "--listen", controlled.address, "--keys", str(controlled.keys), "--runs", str(runs))
    with log.open("wb") as stream, subprocess.Popen([*another_boot, *PLCTL, *arguments], stderr=stream) as process:
        yield
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)


def assert_found_again(copy: Path, controlled: LoopbackCluster, over: Path, going_on: Path, expected: set[str]) -> None:
    """A controller that starts from the copy knows both runs; the agents have come back to it."""
    folder, log = copy.with_name(f"{copy.name}-mounted"), copy.with_name(f"{copy.name}.log")
    with disk(copy, folder):
        assert files(over) == files(folder / over.name)
        with controller_after_a_boot(controlled, folder, log):
            controlled.until(lambda: '"run.done"' in log.read_text())
            runs = {run["run"]: run for run in controlled.ask("runs")["runs"]}
        assert "ok" == runs[over.name]["verdict"]
        record = read_record(folder / going_on.name)
        assert "failed" == record.verdict
        assert record.cause.startswith("x: the controller's machine was started again")
        assert expected <= happened_before(folder / going_on.name, 2**63)
