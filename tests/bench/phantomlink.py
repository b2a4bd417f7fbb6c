"""phantomlink from crates.io, beside which plctl is measured: how it is got, and how it is run on a link's namespaces.

It is run in the very namespaces that plctl made, under the names that it expects, in a private view of /run/netns. At
its start it would raise the host's socket buffers through sudo; a sudo of ours answers its questions and changes
nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from plctl.agent.kernel.link_namespaces import NETNS_DIR, LinkNamespaces
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan

VERSION = "0.1.1"
UNLIMITED_MBPS = 100_000  #: it knows no unlimited rate
INSTALL_S = 600
_INSTALLED = Path("bench-out/phantomlink")
_SUDO = """#!/bin/sh
for word; do :; done
case " $* " in *" -w "*) exit 0 ;; esac
exec sysctl "$word"
"""
_START = """
mount -t tmpfs none /run/netns
ln -s /proc/self/fd/$1 /run/netns/pl_link
exec "$2" start "$3" --startup-mode app-start
"""


class NotMeasuredError(Exception):
    """Something that a measurement needs is not here; says what, for the table."""


@cache
def find_phantomlink() -> Path:
    """The program: PLCTL_BENCH_PHANTOMLINK, or one on the PATH, or built by cargo, which takes some minutes, once.

    :raises NotMeasuredError: it can be had in none of these ways.
    """
    named = os.environ.get("PLCTL_BENCH_PHANTOMLINK") or shutil.which("phantomlink")
    if named:
        return Path(named)
    program = _INSTALLED.absolute() / "bin" / "phantomlink"
    if not program.exists():
        _install()
    return program


def _install() -> None:
    cargo = shutil.which("cargo") or shutil.which("cargo", path=str(Path("~/.cargo/bin").expanduser()))
    if not cargo:
        raise NotMeasuredError("neither phantomlink nor cargo is installed")
    print(f"\nbuilding phantomlink {VERSION} with cargo, once")
    command = [cargo, "install", "phantomlink", "--version", VERSION, "--locked", "--root", str(_INSTALLED)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired as error:
        raise NotMeasuredError(f"cargo needed more than {INSTALL_S} s") from error
    except subprocess.CalledProcessError as error:
        raise NotMeasuredError(f"cargo install phantomlink failed: {error.stderr.strip().splitlines()[-1]}") from error


@contextlib.contextmanager
def running_phantomlink(namespaces: LinkNamespaces, plan: LinkPlan) -> Iterator[subprocess.Popen[str]]:
    """phantomlink between the link's interfaces, with the first row of `plan`, once it says that it is ready.

    :raises NotMeasuredError: it cannot be had.
    """
    program = find_phantomlink()
    with tempfile.TemporaryDirectory(prefix="plctl-bench-") as name, (NETNS_DIR / namespaces.link).open() as netns:
        folder = Path(name)
        (folder / "sudo").write_text(_SUDO)
        (folder / "sudo").chmod(0o755)
        (folder / "scenario.csv").write_text(_scenario(plan))
        script = ("sh", "-ec", _START, "phantomlink", str(netns.fileno()), str(program), str(folder / "scenario.csv"))
        with subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", *script],
            pass_fds=[netns.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": name, "RUST_LOG": "info"},
        ) as process:
            try:
                _await_ready(process)
                yield process
            finally:
                process.kill()


def _scenario(plan: LinkPlan) -> str:
    row = plan.up.rows[0]
    mbps = UNLIMITED_MBPS if row.rate_bps >= RATE_UNLIMITED else row.rate_bps / 1e6
    return f"Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,{row.delay_ns / NS_PER_MS},{mbps}\n"


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        if "ready" in line:
            return
        said = line
    raise RuntimeError(f"phantomlink ended with status {process.wait()}: {said.strip()}")
