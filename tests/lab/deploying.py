"""`plctl deploy` from the workstation of a laboratory, with bundles whose parts were fetched before.

The workstation of the laboratory has no way to the package index, so what a bundle needs is fetched into a cache on
this machine first, as an earlier deployment from the same workstation would have.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.control import PLCTL, Control
from lab.real_host import RealHost
from lab.real_lab import RealLab
from plctl.deploy.bundle.bundler import Bundler, Target

ROOT = Path(__file__).resolve().parents[2]
DEBIAN_12 = Target("3.11", platform.machine())


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment ended."""

    status: int
    hosts: dict[str, dict[str, str]]  #: by name: outcome, text, …
    stderr: str

    def of(self, *names: str) -> list[str]:
        """How it ended for hosts."""
        return [self.hosts[name]["outcome"] for name in names]

    def all(self) -> set[str]:
        """How it ended for whichever hosts."""
        return {host["outcome"] for host in self.hosts.values()}


@dataclass(frozen=True, slots=True)
class Workstation:
    """Where `plctl deploy` is called, for the hosts of an inventory."""

    lab: RealLab
    control: Control
    cache: Path  #: $XDG_CACHE_HOME
    inventory: Path

    def deploy(self, *options: str, timeout: float = 300) -> Outcome:
        """Run `plctl deploy` with `options`."""
        with self.start(*options) as process:
            stdout, stderr = process.communicate(timeout=timeout)
        assert stdout, stderr
        return Outcome(process.returncode, {host["host"]: host for host in json.loads(stdout)}, stderr)

    def deploy_by_slurm(self, *options: str, timeout: float = 300) -> tuple[int, dict[str, list[str]], str]:
        """Run `plctl deploy --engine slurm` with `options`: its exit status, what it was given as JSON, its errors."""
        with self.start("--engine", "slurm", *options) as process:
            stdout, stderr = process.communicate(timeout=timeout)
        return process.returncode, json.loads(stdout or "{}"), stderr

    def deploy_typing(self, prompt: str, answer: str, *options: str) -> tuple[int, str]:
        """Run `plctl deploy` at a terminal, typing `answer` after `prompt`; its exit status, and what was shown."""
        terminal, end = os.openpty()
        streams = {"stdin": end, "stdout": end, "stderr": end}
        with os.fdopen(terminal, "r+b", buffering=0) as screen:
            with self._start(["setsid", "--ctty", "--wait"], options, **streams) as process:
                os.close(end)
                shown = b""
                while prompt.encode() not in shown:
                    shown += screen.read(4096)
                screen.write(answer.encode())
                with contextlib.suppress(OSError):  # nobody has the other end any more
                    while piece := screen.read(4096):
                        shown += piece
            return process.returncode, shown.decode()

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start `plctl deploy` with `options`; it prints JSON."""
        return self._start([], ["--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _start(self, before: Sequence[str], options: Sequence[str], **streams: int) -> subprocess.Popen[str]:
        given = ["-i", str(self.inventory), "--controller", self.control.address, "--keys", str(self.control.keys)]
        return self.lab.workstation.popen(
            [*before, *PLCTL, "deploy", *given, *options],
            env={"XDG_CACHE_HOME": str(self.cache)},
            cwd=self.lab.workstation.home,
            text=True,
            **streams,
        )

    def password_file(self, password: str) -> str:
        """A file with `password`, as the options for passwords want it."""
        path = self.lab.workstation.home / "password"
        path.touch(0o600)
        path.write_text(f"{password}\n")
        return str(path)


@contextmanager
def workstation(
    lab: RealLab, control: Control, cache: Path, hosts: Iterable[RealHost], **more: dict[str, str]
) -> Iterator[Workstation]:
    """Within the block, there is an inventory of `hosts`, as root by key, with `more` said of some."""
    lines = [{"name": host.name, "address": host.address, **more.get(host.name, {})} for host in hosts]
    inventory = lab.workstation.home / "hosts.yaml"
    inventory.write_text(json.dumps({"defaults": {"user": "root"}, "hosts": lines}))
    yield Workstation(lab, control, cache, inventory)
    inventory.unlink()


def fill_cache(cache: Path, *wheels: Path) -> None:
    """Make the bundle for the laboratory's hosts, of `wheels` or this repository; fetches what is not there."""
    Bundler(cache / "plctl", wheels).make(DEBIAN_12)


def build_other_version(folder: Path, version: str) -> Path:
    """A wheel of this repository that calls itself `version`."""
    for name in ("common", "agent", "controller", "deploy"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("setup.py", "README.md", "LICENSE-MIT", "LICENSE-APACHE"):
        shutil.copy(ROOT / name, folder)
    text = (ROOT / "pyproject.toml").read_text()
    changed = "\n".join(f'version = "{version}"' if x.startswith("version = ") else x for x in text.splitlines())
    (folder / "pyproject.toml").write_text(changed)
    command = [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "--no-build-isolation", "-w", "out", "."]
    subprocess.run(command, cwd=folder, check=True, timeout=300, stderr=subprocess.DEVNULL)
    (wheel,) = (folder / "out").iterdir()
    return wheel
