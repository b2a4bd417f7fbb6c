"""One process that makes and removes thousands of links itself, with an agent and a forwarder beside it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from truth.world import command_line, descendants

from plctl.controller.launch.local_host import local_host
from plctl.controller.results.run_record import RunRecord
from plctl.controller.spec.run_spec import load_run
from soak.counted import of_folder, of_process
from soak.slopes import Series

_NETNS = Path("/run/netns")
_TELL_EVERY = 1000


@dataclass
class Made:
    """What came of it."""

    links: int = 0
    took_s: float = 0.0  #: from the first link's beginning to the last one's end
    verdicts: Counter[str] = field(default_factory=Counter)
    causes: list[str] = field(default_factory=list)  #: of what is not `ok`, a line for each kind of a run's links
    series: dict[str, Series] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)  #: behind, when all was over


def make_links(links: int, each_run: int, tell: Callable[[str], None]) -> Made:
    """Make and remove so many links, `each_run` at a time."""
    folder = Path(tempfile.mkdtemp(prefix="plctl-soak-"))
    os.environ["PLCTL_STATE_DIR"], os.environ["PLCTL_CONFIG"] = str(folder / "state"), os.devnull
    before = {path.name for path in _NETNS.glob("pl-local-*")}
    made = Made()
    try:
        asyncio.run(_make(made, folder, links, each_run, tell))
        made.left = [f"process {pid}: {' '.join(command_line(pid))}" for pid in descendants(os.getpid())]
        made.left += [f"owner {path.name}" for path in (folder / "state").iterdir() if path.is_dir()]
        tokens = {path.name.rpartition("-")[2] for path in (folder / "runs").iterdir()}
        names = {path.name for path in _NETNS.glob("pl-local-*")} - before
        made.left += [f"namespace {name}" for name in names if name.split("-")[2] in tokens]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


async def _make(made: Made, folder: Path, links: int, each_run: int, tell: Callable[[str], None]) -> None:
    (folder / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n")
    link = {"name": "l", "scenario": "flat.csv", "count": each_run}
    budget = {"lateness": "1s", "skew": "1s", "workload": "2s"}
    (folder / "spec.yaml").write_text(
        json.dumps({"name": "soak", "duration": "0.1s", "budget": budget, "links": [link]})
    )
    request = load_run(folder / "spec.yaml")
    async with local_host() as host:
        begun_s = time.monotonic()
        while made.links < links:
            record, results = await host.run(request, folder / "runs")
            made.verdicts[record.verdict] += 1
            made.causes += _causes(record)
            made.links += each_run
            for path in results.iterdir():  # its name stays, by which its namespaces would be known
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            made.took_s = time.monotonic() - begun_s
            _count(made, folder)
            if made.links % _TELL_EVERY < each_run:
                tell(f"{made.took_s:.0f} s: {made.links} links")


def _causes(record: RunRecord) -> list[str]:
    """Why a run is not `ok`: of each cause that its links have, how many have it."""
    kinds = Counter((link.verdict, link.cause) for link in record.links if link.verdict != "ok")
    return [f"{record.run}: {count} links {verdict}: {cause}" for (verdict, cause), count in kinds.most_common()]


def _count(made: Made, folder: Path) -> None:
    pids = {"this process": os.getpid()}
    for pid in descendants(os.getpid()):
        line = command_line(pid)
        if "plctl.agent" in line:
            pids["agent"] = pid
        elif "plctl.agent.forwarder.process" in line:
            pids["forwarder"] = pid
    counted = {f"{role} {name}": value for role, pid in pids.items() for name, value in of_process(pid).items()}
    counted["state folder KiB"] = of_folder(folder / "state")
    for name, value in counted.items():
        made.series.setdefault(name, Series(name)).add(made.links, value)
