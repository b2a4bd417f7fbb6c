"""What is left behind: of runs on the hosts while the daemons live, of the daemons, and on the machine outside."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from truth.world import command_line

from chaos.cluster import CONTROLLER, PARTS, Cluster

_NETNS, _VAR_TMP = Path("/run/netns"), Path("/var/tmp")
#: What its folder for output has of the agent itself: by it a successor knows whether the host was started anew.
_OF_AGENT = ".boot"
#: What a serving agent has in its ledger: its forwarder, and a folder for output, which is empty without runs.
_ITS_OWN = ("process forwarder", f"folder {_VAR_TMP}/plctl-")


def of_runs(cluster: Cluster, patience_s: float) -> list[str]:
    """What there is of runs although all are over, given time for what is just going; in words."""
    return _patiently(lambda: _look_runs(cluster), patience_s)


def of_daemons(cluster: Cluster) -> list[str]:
    """What there is on the hosts although the daemons have left in good order."""

    def look() -> list[str]:
        found = []
        for host in [*cluster.hosts.names, CONTROLLER]:
            found += [f"{host}: process {' '.join(command_line(p.pid))[:200]}" for p in cluster.hosts.processes(host)]
            found += _namespaces(cluster, host)
            state = cluster.hosts.root(host, cluster.hosts.lab.host(host).state_folder)
            found += [f"{host}: owner's folder {path.name}" for path in state.iterdir() if path.is_dir()]
            if host != CONTROLLER:
                outside = cluster.hosts.root(host, _VAR_TMP)
                found += [f"{host}: {_VAR_TMP / path.name}" for path in outside.glob("plctl-*")]
        return found

    return _patiently(look, 5.0)


def machine() -> dict[str, str]:
    """How the machine outside of all our namespaces is."""
    looks = {
        "addresses": ["ip", "-o", "address"], "routes": ["ip", "route", "show", "table", "all"],
        "rules": ["ip", "rule"], "interfaces": ["ip", "-o", "-br", "link"],
    }  # fmt: skip
    found = {
        name: subprocess.run(command, capture_output=True, text=True, check=False).stdout
        for name, command in looks.items()
    }
    return found | {"sysctl": _sysctls()}


def of_machine(before: dict[str, str], folder: Path, lab: str) -> list[str]:
    """How the machine differs from `before`, and what of ours it still has."""
    found = [f"the machine's {name} changed" for name, text in machine().items() if text != before[name]]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"loop device of {file}" for file in _patiently(lambda: [f for f in _loops() if str(folder) in f], 5.0)]
    found += [f"mount {line}" for line in mounts if f" {folder}" in line]
    found += [f"state folder {path.name}" for path in (folder / "state").iterdir() if path.is_dir()]
    found += [f"namespace {path.name}" for path in _NETNS.glob(f"pl-lab-{lab}-*")]
    return found


def _look_runs(cluster: Cluster) -> list[str]:
    found = []
    for host in [*cluster.hosts.names, CONTROLLER]:
        allowed = [PARTS["controller"]] if host == CONTROLLER else [PARTS["agent"], PARTS["forwarder"]]
        for process in cluster.hosts.processes(host):
            line = command_line(process.pid)
            if line and not any(all(any(word in part for part in line) for word in words) for words in allowed):
                found.append(f"{host}: process {' '.join(line)[:200]}")
        found += _namespaces(cluster, host)
        if host != CONTROLLER:
            found += _ledger(cluster, host)
            outside = cluster.hosts.root(host, _VAR_TMP)
            rest = (path for path in outside.glob("plctl-*/**/*") if path.name != _OF_AGENT)
            found += [f"{host}: {_VAR_TMP}/{path.relative_to(outside)}" for path in rest]
    return found


def _namespaces(cluster: Cluster, host: str) -> list[str]:
    return [f"{host}: namespace {path.name}" for path in cluster.hosts.root(host, _NETNS).glob("pl-*")]


def _ledger(cluster: Cluster, host: str) -> list[str]:
    """What stands in ledgers beside what a serving agent has."""
    found = []
    state = cluster.hosts.root(host, cluster.hosts.lab.host(host).state_folder)
    for ledger in state.glob("*/ledger.jsonl"):
        standing: dict[tuple[str, str], None] = {}
        for line in ledger.read_text(errors="replace").splitlines():
            with suppress(ValueError):  # torn
                fact = json.loads(line)
                if "made" in fact:
                    standing[fact["made"], fact["name"]] = None
                elif "gone" in fact:
                    standing.pop((fact["gone"], fact["name"]), None)
        entries = [f"{kind} {name}" for kind, name in standing]
        found += [f"{host}: ledger of {ledger.parent.name}: {e}" for e in entries if not e.startswith(_ITS_OWN)]
    return found


def _loops() -> list[str]:
    """What lies behind loop devices."""
    found = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # it went just now
            found.append(path.read_text().strip())
    return found


def _sysctls() -> str:
    """All of the network's, as one digest."""
    digest = hashlib.sha256()
    for path in sorted(Path("/proc/sys/net/ipv4/conf").rglob("*")):
        with suppress(OSError):
            if path.is_file():
                digest.update(f"{path} {path.read_text()}".encode())
    return digest.hexdigest()


def _patiently(look: Callable[[], list[str]], patience_s: float) -> list[str]:
    until = time.monotonic() + patience_s
    while (found := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return sorted(found)
