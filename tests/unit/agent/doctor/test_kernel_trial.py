"""The kernel trial: tries for real, tells the truth, leaves nothing."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plctl.agent.doctor import kernel_trial
from plctl.common.base.errors import KernelError, WorldError

EVERY_STEP = [
    "epoll_pwait2",
    "time namespace",
    "network namespace",
    "network settings",
    "namespace name",
    "veth",
    "packet ring",
    "AF_XDP",
]


@pytest.mark.needs_root
def test_every_step_is_tried_in_order() -> None:
    """On a machine that can run links each step is reported, the needed ones as working."""
    steps = kernel_trial.try_kernel()
    assert [step.name for step in steps] == EVERY_STEP
    assert [] == [s for s in steps if s.errno and s.name not in ("time namespace", "AF_XDP")]


def open_files() -> int:
    """How many this process has."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_room_for_another_process_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a control group has too few pids; the pipe is closed again."""

    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", refuse)
    before = open_files()
    with pytest.raises(KernelError, match="cannot try the kernel in a process of its own: Resource temporarily"):
        kernel_trial.try_kernel()
    assert before == open_files()


@pytest.mark.needs_root
def test_the_host_sees_nothing_of_it() -> None:
    """Interfaces, mounts and named namespaces are the same before and after."""

    def look() -> tuple[object, ...]:
        interfaces = sorted(path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith("trial"))
        return interfaces, "/run/name" in Path("/proc/self/mounts").read_text(), Path("/run/name").exists()

    assert look() == ([], False, False)
    kernel_trial.try_kernel()
    assert look() == ([], False, False)


@pytest.mark.needs_root
def test_a_refusal_ends_what_depends_on_it() -> None:
    """Without CAP_SYS_ADMIN the namespace is refused, and nothing is made in the host's namespace instead."""
    child = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-m", "plctl.agent.doctor.kernel_trial"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = {step["name"]: step["errno"] for step in json.loads(child.stdout)}
    assert told["network namespace"] == errno.EPERM
    assert set(told).isdisjoint({"network settings", "namespace name", "veth", "packet ring"})


#: As `kernel_trial` where the kernel has no other view of /proc/sys to give. A mock: none here is that old.
NO_OWN_PROCFS = """
from plctl.agent.doctor import kernel_trial
from plctl.agent.kernel import sysctl
def refuse():
    raise OSError(38, "Function not implemented")
sysctl.open_own_procfs = refuse
kernel_trial.main()
"""


def try_settings(*command: str) -> dict[str, int]:
    """What such a child of ours finds where /proc/sys is read-only, as in some containers."""
    read_only = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"
    trial = ["unshare", "--mount", "sh", "-c", f'{read_only} && exec "$@"', "sh", sys.executable, *command]
    child = subprocess.run(trial, capture_output=True, text=True, check=True, timeout=60)
    return {step["name"]: step["errno"] for step in json.loads(child.stdout)}


@pytest.mark.needs_root
def test_settings_that_cannot_be_written_are_found() -> None:
    """Where /proc/sys is read-only and the kernel gives no other view of it, no link could be made."""
    told = try_settings("-c", NO_OWN_PROCFS)
    assert told["network settings"] == errno.EROFS
    assert "veth" not in told


@pytest.mark.needs_root
def test_settings_are_written_in_a_view_of_their_own() -> None:
    """A container's read-only /proc/sys keeps nobody from making links, who may see the settings elsewhere."""
    told = try_settings("-m", "plctl.agent.doctor.kernel_trial")
    assert 0 == told["network settings"]
    assert "veth" in told


def fail() -> str:
    raise OSError(errno.EMFILE, "Too many open files")


def die() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def hang() -> str:
    signal.pause()
    raise AssertionError("no signal but SIGKILL comes")


@pytest.mark.parametrize(
    ("what", "words"),
    [(fail, "Too many open files"), (die, "was killed by SIGKILL"), (hang, "no answer within")],
)
def test_a_child_that_says_nothing_of_use_is_an_error(
    monkeypatch: pytest.MonkeyPatch, what: Callable[[], str], words: str
) -> None:
    """Its own words say why, or how it ended; one that does not end is ended."""
    monkeypatch.setattr(kernel_trial, "_TIMEOUT_S", 10.0 if what is not hang else 0.05)
    monkeypatch.setattr(kernel_trial, "_try_all", what)
    with pytest.raises(WorldError, match=f"cannot try the kernel: .*{words}"):
        kernel_trial.try_kernel()
