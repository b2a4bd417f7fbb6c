"""Workloads in real namespaces: gates, output, time-outs, users, and that nothing of them outlives its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.running import stop

from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.etc_files import write_etc
from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.workload.workload import MARK_VARIABLE, WorkloadProcess
from plctl.common.base.clock import RealClock
from plctl.common.base.errors import WorldError
from plctl.common.plan.run_plan import LinkPlan, Ready, Workload
from plctl.common.protocol.messages import WorkloadResult

CLOCK = RealClock()


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """The namespaces of a link; nothing forwards."""
    link_namespaces.build(namespaces, plan, ledger)
    yield namespaces
    link_namespaces.remove(namespaces, ledger)


async def spawn(workload: Workload, built: LinkNamespaces, ledger: Ledger, folder: Path) -> WorkloadProcess:
    """`workload` at its gate."""
    etc = write_etc(folder / "etc")
    return await WorkloadProcess.spawn(workload, built, folder, ledger=ledger, env={}, clock=CLOCK, etc=etc)


def command(*argv: str, **more: object) -> Workload:
    """A workload called w at the client."""
    return Workload("w", "client", argv, **more)  # type: ignore[arg-type]


async def test_it_runs_at_t0_in_its_namespace_and_leaves_its_output(
    built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """Nothing of the command happens before T0; then it sees its own network, and both outputs are kept."""
    script = "import time; print(time.monotonic_ns()); print(open('/proc/net/dev').read())"
    process = await spawn(command(sys.executable, "-c", script), built, ledger, tmp_path)
    t0_ns = time.monotonic_ns() + 50_000_000
    process.open_gate(t0_ns)
    await process.wait()
    said, *interfaces = (tmp_path / "w.stdout").read_text().splitlines()
    assert int(said) >= t0_ns
    assert any("veth1:" in line for line in interfaces)
    assert (0, "") == (process.result().status, process.result().cause)
    result, left = process.result(), json.loads((tmp_path / "w.exit.json").read_text())
    assert (t0_ns, 0) == (result.planned_ns, result.status)
    assert t0_ns <= executed_ns(result) <= int(said) <= result.ended_ns
    assert (t0_ns, result.executed_ns, result.ended_ns) == (left["planned_ns"], left["executed_ns"], left["ended_ns"])
    assert [] == [e for e in ledger.entries() if e.kind == "process"]


def executed_ns(result: WorkloadResult) -> int:
    """When the command was executed; it is known, as this agent reports it."""
    assert result.executed_ns is not None
    return result.executed_ns


async def test_a_gate_that_was_stopped_over_the_start_tells_the_real_start(
    built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """What is recorded is when the command was executed, not when it should have been; so is the event's instant."""
    process = await spawn(command("true"), built, ledger, tmp_path)
    process.t0_ns = process_start_ns = time.monotonic_ns()
    stop(process.pid)
    process.open_gate(process_start_ns + 5_000_000)
    while time.monotonic_ns() < process_start_ns + 50_000_000:
        await asyncio.sleep(0)
    resumed_ns = time.monotonic_ns()
    os.kill(process.pid, signal.SIGCONT)
    await process.wait()
    result = process.result()
    assert resumed_ns <= executed_ns(result) == await process.executed()
    after_t0_s = (executed_ns(result) - process_start_ns) / 1e9
    assert {"t_ns": result.executed_ns, "after_t0_s": after_t0_s} == process.dated(executed_ns(result))
    assert after_t0_s == json.loads((tmp_path / "w.exit.json").read_text())["executed_after_t0_s"]


async def test_an_end_without_descriptors_is_caught_up_on(
    built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """Nobody waits for ever where nothing can be opened: it says so, and its session is ended once that is possible."""
    process = await spawn(command("sh", "-c", "sleep 60 & true"), built, ledger, tmp_path)
    await asyncio.to_thread(len, ())  # the threads that are there need no descriptor
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        process.open_gate(0)
        await process.wait()
        assert "could not be ended" in process.result().cause
        assert ["process"] == [entry.kind for entry in ledger.entries() if entry.kind == "process"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await process.end()
    assert [] == [entry for entry in ledger.entries() if entry.kind == "process"]
    assert [] == [each for each in processes.living() if each.session == process.pid]


@pytest.mark.parametrize("argv", [("no-such-command",), ("/etc/passwd",)])
async def test_a_command_that_cannot_be_executed_never_was(
    argv: tuple[str, ...], built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """That its moment came is no proof that it ran."""
    process = await spawn(command(*argv), built, ledger, tmp_path)
    process.open_gate(0)
    assert 0 == await process.executed()
    await process.wait()
    assert 0 == process.result().executed_ns


async def test_a_gate_that_is_ended_before_its_start_executed_nothing(
    built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """A run that is over before a workload's start says that it was never executed."""
    process = await spawn(command("true"), built, ledger, tmp_path)
    process.open_gate(time.monotonic_ns() + 60_000_000_000)
    await process.end()
    assert (0, "") == (process.result().executed_ns, process.result().cause)


async def test_a_gate_that_somebody_killed_says_so(built: LinkNamespaces, ledger: Ledger, tmp_path: Path) -> None:
    """To open it then is no fault of this host's: the workload has that cause, and nothing is written anywhere."""
    process = await spawn(command("true"), built, ledger, tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    process.open_gate(time.monotonic_ns())
    assert (0, "was killed by SIGKILL") == (process.result().executed_ns, process.result().cause)


async def test_a_timeout_before_the_start_says_so(built: LinkNamespaces, ledger: Ledger, tmp_path: Path) -> None:
    """A gate that hangs does not hold up the run, and is not said to have run for long."""
    process = await spawn(command("true", timeout_ns=20_000_000), built, ledger, tmp_path)
    stop(process.pid)
    process.open_gate(time.monotonic_ns())
    await process.wait()
    assert "was not executed within its timeout of 20 ms" == process.result().cause


@pytest.mark.parametrize(
    ("argv", "cause"),
    [
        (("sh", "-c", "echo woe >&2; exit 3"), "exited with status 3: woe"),
        (("sh", "-c", "kill -SEGV $$"), "was killed by SIGSEGV"),
        (("no-such-command",), "cannot execute no-such-command: command not found"),
        (("/etc/passwd",), "cannot execute /etc/passwd: Permission denied"),
    ],
)
async def test_a_failure_has_its_sentence(
    argv: tuple[str, ...], cause: str, built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """Each way in which a command can fail is told apart."""
    process = await spawn(command(*argv), built, ledger, tmp_path)
    process.open_gate(0)
    await process.wait()
    assert cause == process.result().cause


async def test_ending_it_ends_all_that_it_started(built: LinkNamespaces, ledger: Ledger, tmp_path: Path) -> None:
    """Children in the background, and those that left the session, go too; that is no failure."""
    script = "setsid sleep 60 & sleep 60 & echo up; wait"
    process = await spawn(command("sh", "-c", script), built, ledger, tmp_path)
    process.open_gate(0)
    while "up" not in (tmp_path / "w.stdout").read_text():
        await asyncio.sleep(0)
    await process.end()
    assert "" == process.result().cause
    mark = f"{ledger.token}/"
    assert [] == [p for p in processes.living() if has_mark(p.pid, mark)]


def has_mark(pid: int, mark: str) -> bool:
    """Whether `pid` was started by a workload of the owner."""
    with contextlib.suppress(OSError):
        return f"{MARK_VARIABLE}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False


async def test_it_knows_both_ends_by_name_and_asks_no_name_server_of_the_hosts(
    built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """`client` and `server` are names there, as is localhost; what the user laid into /etc/netns has the last word."""
    own = Path("/etc/netns", built.client)
    own.mkdir(parents=True)
    try:
        (own / "hostname").write_text("of-the-namespace\n")
        names = "getent ahostsv4 server | head -n 1; getent ahostsv6 client | head -n 1; getent hosts localhost"
        script = f"{names} | cut -d' ' -f1; cat /etc/hostname; grep ^nameserver /etc/resolv.conf"
        process = await spawn(command("sh", "-c", script), built, ledger, tmp_path)
        process.open_gate(0)
        await process.wait()
    finally:
        (own / "hostname").unlink()
        own.rmdir()
        with contextlib.suppress(OSError):  # others may have files there
            own.parent.rmdir()
    server, client, localhost, hostname, resolver = (tmp_path / "w.stdout").read_text().splitlines()
    assert ("192.168.66.2", "fd22::2") == (server.split()[0], client.split()[0])
    assert localhost in ("127.0.0.1", "::1")
    assert (hostname, resolver) == ("of-the-namespace", "nameserver 127.0.0.1")


async def test_a_timeout_is_a_failure(built: LinkNamespaces, ledger: Ledger, tmp_path: Path) -> None:
    """A workload that runs longer than it may is ended and says so."""
    process = await spawn(command("sleep", "60", timeout_ns=20_000_000), built, ledger, tmp_path)
    process.open_gate(0)
    await process.wait()
    assert "ran longer than its timeout of 20 ms" == process.result().cause


async def test_it_runs_as_the_user_that_was_asked_for(built: LinkNamespaces, ledger: Ledger, tmp_path: Path) -> None:
    """`user` decides who the command is; one that does not exist is a sentence before T0."""
    process = await spawn(command("id", "-u", user="nobody"), built, ledger, tmp_path)
    process.open_gate(0)
    await process.wait()
    assert "" == process.result().cause
    assert str(pwd.getpwnam("nobody").pw_uid) == (tmp_path / "w.stdout").read_text().strip()
    with pytest.raises(WorldError, match="cannot start workload w: there is no user 'nosuchuser' on this host"):
        await spawn(command("true", user="nosuchuser"), built, ledger, tmp_path)


LISTEN = """
import socket, sys, time
server = socket.socket(socket.AF_INET, socket.SOCK_{kind})
server.bind(("0.0.0.0", 5999))
{listen}
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("ready", "script"),
    [
        (Ready(tcp=5999), LISTEN.format(kind="STREAM", listen="server.listen()")),
        (Ready(udp=5999), LISTEN.format(kind="DGRAM", listen="")),
        (Ready(file="flag"), "open('flag', 'w'); import time; time.sleep(60)"),
    ],
    ids=["tcp", "udp", "file"],
)
async def test_ready_waits_for_what_was_promised(
    ready: Ready, script: str, built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """The gate of a server opens once it listens, is bound, or has made its file."""
    process = await spawn(command(sys.executable, "-c", script, ready=ready), built, ledger, tmp_path)
    process.open_gate(0)
    await asyncio.wait_for(process.ready(), 30)
    await process.end()


@pytest.mark.parametrize(
    ("script", "words"),
    [("echo 'no licence' >&2; exit 1", "no licence"), ("exit 1", "it said nothing")],
)
async def test_a_server_that_ends_is_not_ready(
    script: str, words: str, built: LinkNamespaces, ledger: Ledger, tmp_path: Path
) -> None:
    """A server that fails before it listens ends the wait at once, with its last words, or that it had none."""
    process = await spawn(command("sh", "-c", script, ready=Ready(tcp=1)), built, ledger, tmp_path)
    process.open_gate(0)
    with pytest.raises(WorldError, match=f"workload w ended before it did listen on TCP port 1; {words}$"):
        await process.ready()
    await process.wait()


AGENT = """
import asyncio, sys
from pathlib import Path
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.agent.workload.workload import WorkloadProcess
from plctl.common.base.clock import RealClock
from plctl.common.plan.run_plan import Workload

async def main():
    namespaces = LinkNamespaces.prefixed(sys.argv[1])
    process = await WorkloadProcess.spawn(
        Workload("w", "client", ("sleep", "60")), namespaces, Path(sys.argv[3]),
        ledger=Ledger(Path(sys.argv[2])), env={}, clock=RealClock(), etc=Path("/nonexistent"))
    process.open_gate(0)
    print(process._process.pid, flush=True)
    await process.wait()

asyncio.run(main())
"""


def test_it_dies_with_the_agent(built: LinkNamespaces, ledger: Ledger, tmp_path: Path) -> None:
    """SIGKILL of the process that started a workload kills the workload, without anybody's help."""
    prefix = built.client.removesuffix("-client")
    argv = [sys.executable, "-c", AGENT, prefix, str(ledger.path), str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        workload = os.pidfd_open(int(agent.stdout.readline()))
        agent.send_signal(signal.SIGKILL)
        assert set() == processes.await_exits({workload}, 30)
    os.close(workload)
