"""Ending processes: those that are meant, for certain, and no others."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from plctl.agent.ownership import processes
from plctl.agent.ownership.processes import Process, identify
from plctl.common.base.errors import KernelError

#: ptrace(2)
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_O_TRACEEXIT = 17, 0x4206, 0x40

#: Ignores SIGTERM, and says so once it does.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that does nothing for long."""
    with subprocess.Popen(["sleep", "1000"], env={"PLCTL_TEST": "yes", "PATH": os.environ["PATH"]}) as process:
        yield process
        process.kill()


def test_a_process_is_known_by_pid_start_and_session(sleeper: subprocess.Popen[bytes]) -> None:
    """It is listed among the living with the same identity."""
    found = identify(sleeper.pid)
    assert (sleeper.pid, os.getsid(0)) == (found.pid, found.session)
    assert found in processes.living()
    assert processes.is_alive(found)
    assert found.started >= identify(os.getpid()).started


def test_the_environment_is_compared_exactly(sleeper: subprocess.Popen[bytes]) -> None:
    """Neither a prefix of the value nor another variable will do."""
    assert processes.has_variable(sleeper.pid, "PLCTL_TEST", "yes")
    assert not processes.has_variable(sleeper.pid, "PLCTL_TEST", "ye")
    assert not processes.has_variable(sleeper.pid, "TEST", "yes")


def test_a_process_that_obeys_ends_by_sigterm(sleeper: subprocess.Popen[bytes]) -> None:
    """It may clean up; SIGKILL is not needed."""
    me = identify(sleeper.pid)
    assert [me] == processes.end([me])
    assert -signal.SIGTERM == sleeper.wait()


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    """After the grace period nothing is left to discuss."""
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout
        assert b"ready\n" == stubborn.stdout.readline()
        processes.end([identify(stubborn.pid)], grace_s=0.01)
        assert -signal.SIGKILL == stubborn.wait()


def test_one_that_the_kernel_does_not_let_go_of_is_not_waited_for(sleeper: subprocess.Popen[bytes]) -> None:
    """Killed, and still there: who asked hears which process, and in what state. A tracer holds it at its exit here."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert 0 == libc.ptrace(PTRACE_SEIZE, sleeper.pid, None, ctypes.c_void_p(PTRACE_O_TRACEEXIT)), ctypes.get_errno()
    try:
        with pytest.raises(
            KernelError, match=rf"process {sleeper.pid} \(state t\): it was killed, and .* 0\.2 s later"
        ):
            processes.end([identify(sleeper.pid)], grace_s=0, killed_s=0.2)
    finally:
        libc.ptrace(PTRACE_DETACH, sleeper.pid, None, None)
    assert -signal.SIGKILL == sleeper.wait()


def test_a_recycled_pid_is_never_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    """The number is the same, the start tick is not: that is somebody else."""
    real = identify(sleeper.pid)
    assert [] == processes.end([Process(real.pid, real.started - 1, real.session)])
    assert sleeper.poll() is None


def test_what_has_ended_needs_no_signal() -> None:
    """Neither a zombie nor a number that is free counts as alive."""
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        zombie = identify(process.pid)
        assert zombie not in processes.living()
        assert not processes.is_alive(zombie)
        assert [] == processes.end([zombie])
    assert [] == processes.end([zombie])
    with pytest.raises(ProcessLookupError):
        identify(process.pid)
    assert not processes.has_variable(process.pid, "PLCTL_TEST", "yes")
