"""`plctl link` and `plctl clean` as a user types them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.agent.kernel.link_namespaces import NETNS_DIR, LinkNamespaces, build
from plctl.agent.link import hand_link
from plctl.agent.ownership.ledger import Ledger
from plctl.common.cli.root_command import root
from plctl.common.host.state import Owner
from plctl.common.plan.run_plan import LinkPlan

PLCTL = str(Path(sys.executable).with_name("plctl"))
FIND_SELF = "import socket; print(sorted(name for _, name in socket.if_nameindex()))"


def plctl(*arguments: str) -> Result:
    """What the command says and ends with."""
    return CliRunner().invoke(root, arguments)


def outside(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, for what replaces the process."""
    return subprocess.run([PLCTL, *arguments], capture_output=True, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def name(state: Path, unique: str) -> Iterator[str]:
    """The name of a link that is set up; torn down afterwards."""
    assert state.is_dir()
    assert 0 == plctl("link", "setup", "-n", unique).exit_code
    yield unique
    plctl("link", "teardown", "--force", "-n", unique)


def test_a_link_comes_and_goes(state: Path, unique: str) -> None:
    """Set up, listed, torn down, and torn down again; nothing stays."""
    namespaces = [f"pl-link-{unique}-{end}" for end in ("client", "link", "server")]
    done = plctl("link", "setup", "-n", unique, "--mtu", "9000")
    assert (0, True) == (done.exit_code, f"link start -n {unique} SCENARIO" in done.output)
    assert all((NETNS_DIR / n).exists() for n in namespaces)
    assert f"{unique}: set up, MTU 9000" in plctl("link", "list").output
    assert f"link {unique} is torn down\n" == plctl("link", "teardown", "-n", unique).output
    assert not any((NETNS_DIR / n).exists() for n in namespaces)
    again = plctl("link", "teardown", "-n", unique)
    assert (0, f"link {unique} is not set up\n") == (again.exit_code, again.output)
    assert [] == [path for path in state.iterdir() if path.name != ".lock"]


def test_a_link_is_set_up_once(name: str) -> None:
    """The second attempt says how to remove the first."""
    done = plctl("link", "setup", "-n", name)
    assert (2, True) == (done.exit_code, f"plctl link teardown -n {name}" in done.output)


@pytest.mark.parametrize("bad", ["", "a/b", "-a", "a b", "x" * 65])
def test_names_that_cannot_name_a_namespace_are_refused(bad: str) -> None:
    """Nothing is made of them."""
    done = plctl("link", "setup", f"--name={bad}")
    assert (2, True) == (done.exit_code, "cannot name a link" in done.output)


def test_a_killed_setup_is_made_good_by_the_next(state: Path, unique: str, plan: LinkPlan) -> None:
    """The first was killed before it had said `keep`: the second builds the link anew."""
    with Owner.create(f"link-{unique}") as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        build(LinkNamespaces.prefixed(f"pl-link-{unique}"), plan, ledger)
    assert "no link is set up" in plctl("link", "list").output
    assert 0 == plctl("link", "setup", "-n", unique).exit_code
    assert [] == hand_link.find(unique).missing
    assert 0 == plctl("link", "teardown", "-n", unique).exit_code
    assert not (state / f"link-{unique}").exists()


def test_the_list_tells_scripts_everything(name: str) -> None:
    """One JSON document with state, namespaces and addresses."""
    assert [
        {
            "name": name,
            "state": "set up",
            "pid": None,
            "mtu": 1500,
            "offload": "off",
            "namespaces": {end: f"pl-link-{name}-{end}" for end in ("client", "link", "server")},
            "addresses": {"client": ["192.168.22.2", "fd22::2"], "server": ["192.168.66.2", "fd66::2"]},
        }
    ] == json.loads(plctl("link", "list", "--json").stdout)


def test_a_link_in_use_is_not_torn_down_unless_forced(name: str) -> None:
    """Whoever emulates it is named, and ended only with --force."""
    script = (
        "import signal, sys; from plctl.agent.link import hand_link\n"
        "with hand_link.hold(hand_link.find(sys.argv[1])): print('held', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", script, name], stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout
        assert "held\n" == user.stdout.readline()
        assert f"{name}: running (process {user.pid})" in plctl("link", "list").output
        refused = plctl("link", "teardown", "-n", name)
        assert (2, True) == (refused.exit_code, f"is emulated by process {user.pid}" in refused.output)
        with (
            pytest.raises(hand_link.BusyError, match=f"is emulated by process {user.pid}"),
            hand_link.hold(hand_link.find(name)),
        ):
            pass
        assert 0 == plctl("link", "teardown", "--force", "-n", name).exit_code
        assert -signal.SIGTERM == user.wait()
    assert not (NETNS_DIR / f"pl-link-{name}-link").exists()


def test_a_link_that_is_being_cleaned_is_busy_for_a_moment(name: str, state: Path) -> None:
    """Nobody emulates it, so nobody is named; trying again will do."""
    reaper = Owner.seize(state / f"link-{name}")
    assert reaper
    refused = plctl("link", "teardown", "-n", name)
    assert (2, True) == (refused.exit_code, "try again" in refused.output)
    reaper.close()


def test_a_link_that_lost_a_namespace_is_called_broken(name: str) -> None:
    """Somebody removed it with `ip netns`; the way out is told."""
    lost = NETNS_DIR / f"pl-link-{name}-server"
    subprocess.run(["umount", str(lost)], check=True)
    lost.unlink()
    assert f"{name}: broken, without {lost.name}" in plctl("link", "list").output
    done = outside("link", "exec", "-n", name, "client", "true")
    assert (2, True) == (done.returncode, f"lost its namespace {lost.name}" in done.stderr)
    assert 0 == plctl("link", "teardown", "-n", name).exit_code


@pytest.mark.parametrize(("end", "interface"), [("client", "veth1"), ("server", "veth2")])
@pytest.mark.parametrize("dashes", [[], ["--"]])
def test_commands_run_as_client_or_server(name: str, end: str, interface: str, dashes: list[str]) -> None:
    """They see that end's interfaces and no others; options behind the end are theirs, with and without dashes."""
    done = outside("link", "exec", "-n", name, end, *dashes, sys.executable, "-c", FIND_SELF)
    assert (0, f"{['lo', interface]}\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("command", "status"), [(["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], -9)])
def test_the_exit_status_is_the_commands(name: str, command: list[str], status: int) -> None:
    """A status or a signal, as if nothing were in between."""
    assert status == outside("link", "exec", "-n", name, "client", *command).returncode


def test_missing_and_unusable_commands_end_as_in_a_shell(name: str, tmp_path: Path) -> None:
    """127 where there is none, 126 where it cannot be run, and a sentence."""
    missing = outside("link", "exec", "-n", name, "client", "no-such-command")
    assert (127, "error: no-such-command: command not found\n") == (missing.returncode, missing.stderr)
    plain = tmp_path / "plain"
    plain.touch(mode=0o600)
    unusable = outside("link", "exec", "-n", name, "client", str(plain))
    assert (126, f"error: cannot run {plain}: Permission denied\n") == (unusable.returncode, unusable.stderr)
    assert 2 == outside("link", "exec", "-n", name, "client", "--").returncode


def test_the_command_sees_its_own_network_in_sys(name: str) -> None:
    """Tools that look into /sys/class/net find the end's interfaces, and the caller's /sys stays what it was."""
    before = sorted(path.name for path in Path("/sys/class/net").iterdir())
    command = [PLCTL, "link", "exec", "-n", name, "client", "ls", "/sys/class/net"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert ["lo", "veth1"] == listed
    assert before == sorted(path.name for path in Path("/sys/class/net").iterdir())


def test_the_command_knows_both_ends_by_name(name: str) -> None:
    """And a name that nobody knows is not asked for over the link, where no name server is: that takes no time."""
    began = time.monotonic()
    done = outside("link", "exec", "-n", name, "client", "getent", "ahostsv4", "server")
    assert (0, "192.168.66.2") == (done.returncode, done.stdout.split()[0])
    assert 2 == outside("link", "exec", "-n", name, "server", "getent", "hosts", "nobody.example").returncode
    assert time.monotonic() - began < 5


def test_the_command_gets_the_real_terminal_and_pipes(name: str) -> None:
    """Standard input is passed through; a terminal stays one; SIGPIPE ends a writer, as usual."""
    done = outside("link", "exec", "-n", name, "client", "cat", input="through")
    assert "through" == done.stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen([PLCTL, "link", "exec", "-n", name, "client", "tty"], stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        assert os.read(ours, 99).startswith(b"/dev/pts/")
        assert 0 == process.wait()
    os.close(ours)
    shell = f"{PLCTL} link exec -n {name} client sh -c 'yes; echo $? >&2' | head -1"
    pipe = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False, timeout=60)
    assert "y\n" == pipe.stdout
    assert "write error" not in pipe.stderr


def test_plctl_itself_is_found_inside(name: str) -> None:
    """Its own folder comes first in PATH."""
    done = outside("link", "exec", "-n", name, "client", "sh", "-c", "command -v plctl")
    assert f"{PLCTL}\n" == done.stdout


@pytest.mark.parametrize("command", [["exec", "client", "true"], ["start", "leo.csv"]])
def test_a_link_must_be_set_up_first(state: Path, command: list[str]) -> None:
    """The message says how."""
    assert state.is_dir()
    done = outside("link", *command)
    assert (2, "error: link default is not set up; try: plctl link setup\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("command", ["setup", "start", "exec", "list", "teardown"])
def test_help_teaches_by_example(command: str) -> None:
    """Every command's help shows itself in use."""
    assert f"sudo plctl link {command}" in plctl("link", command, "--help").output


CSV = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,100\n60000,0,10,50\n"
PING = """if True:
    import socket, sys
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.sendto(b"ping", (sys.argv[1], 7))
    print(s.recv(99).decode())
"""
ECHO = """if True:
    import socket
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", 7))
    print("bound", flush=True)
    while True:
        data, sender = s.recvfrom(99)
        s.sendto(data, sender)
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """The path of a scenario whose first row lasts a minute."""
    path = tmp_path / "leo.csv"
    path.write_text(CSV)
    return str(path)


@contextlib.contextmanager
def started(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`plctl link start` in the background, once it emulates."""
    command = [PLCTL, "link", "start", "-n", name, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(f"emulating link {name}")
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """The next line of output that holds `word`."""
    assert process.stdout
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f"the output ended before {word!r}")


@pytest.fixture
def echo(name: str) -> Iterator[str]:
    """A server that sends back what comes; the name of its link."""
    command = [PLCTL, "link", "exec", "-n", name, "server", sys.executable, "-c", ECHO]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert "bound\n" == server.stdout.readline()
        yield name
        server.terminate()


def test_an_emulated_link_carries_traffic_and_starts_with_the_first_frame(echo: str, scenario: str) -> None:
    """Nothing starts the scenario but the user's own traffic; Ctrl-C ends with a table and status 0."""
    with started(echo, scenario) as process:
        for address in ("192.168.66.2", "fd66::2"):
            done = outside("link", "exec", "-n", echo, "client", sys.executable, "-c", PING, address)
            assert (0, "ping\n") == (done.returncode, done.stdout)
        assert "scenario time began" in read_until(process, "the first packet came after")
        process.send_signal(signal.SIGINT)
        rest, complaint = process.communicate(timeout=20)
    assert (0, "") == (process.returncode, complaint)
    table = {line[:22].strip(): line[22:].split("frames")[0].split()[-1] for line in rest.splitlines() if line}
    assert ("2", "2") == (table["arrived"], table["delivered"])


def test_two_starts_on_one_link_are_refused(name: str, scenario: str) -> None:
    """The second is told who emulates it; teardown, too."""
    with started(name, scenario) as process:
        second = outside("link", "start", "-n", name, scenario)
        assert (2, True) == (second.returncode, f"is emulated by process {process.pid}" in second.stderr)
        assert f"{name}: running (process {process.pid})" in plctl("link", "list").output


def test_a_duration_ends_the_emulation_by_itself(name: str, scenario: str) -> None:
    """Status 0 at its end, 130 if Ctrl-C comes first."""
    done = outside("link", "start", "-n", name, scenario, "--startup-mode", "app-start", "--duration", "100ms")
    assert (0, True, "") == (done.returncode, "scenario time: " in done.stdout, done.stderr)
    with started(name, scenario, "--duration", "10min") as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert 130 == process.returncode


def test_starting_raises_the_tcp_buffers_of_the_ends(name: str, tmp_path: Path) -> None:
    """As large as the scenario needs them, which setup could not know."""
    path = tmp_path / "long-fat.csv"
    path.write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,150,1000\n")
    with started(name, str(path)):
        done = outside("link", "exec", "-n", name, "client", "cat", "/proc/sys/net/ipv4/tcp_rmem")
    assert "112500000" == done.stdout.split()[2]


def test_a_killed_start_does_not_hinder_the_next(name: str, scenario: str) -> None:
    """Its forwarder goes with it or is ended by the next, and the link stays."""
    with started(name, scenario) as process:
        process.kill()
        process.wait()
    done = outside("link", "start", "-n", name, scenario, "--startup-mode", "app-start", "--duration", "100ms")
    assert (0, "") == (done.returncode, done.stderr)


def test_a_wrong_scenario_is_told_by_line(name: str, tmp_path: Path) -> None:
    """Status 2 and the place of the mistake; nothing was started."""
    path = tmp_path / "wrong.csv"
    path.write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,-5,100\n")
    done = outside("link", "start", "-n", name, str(path))
    assert (2, True) == (done.returncode, f"{path}:2" in done.stderr)


def test_clean_removes_the_dead_and_tells_of_the_rest(
    name: str, state: Path, ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """A dead owner goes; a living one and a hand-made link stay and are told, in words and in JSON."""
    lost = LinkNamespaces.named("dead", name, "leo-0")
    with Owner.create("dead"), contextlib.closing(Ledger(state / "dead" / "ledger.jsonl")) as dead:
        build(lost, plan, dead)
    build(namespaces, plan, ledger)
    living = ledger.path.parent.name
    expected = [
        *(f"removed namespace {n} of dead" for n in astuple(lost)),
        "removed dead",
        f"left link-{name}, a hand-made link (--links removes it): 3 namespaces",
        f"left {living}, which is in use: 3 namespaces",
    ]
    assert sorted(expected) == sorted(plctl("clean").output.splitlines())
    document = json.loads(plctl("clean", "--json").stdout)
    assert [] == document["removed"]
    assert {living: True, f"link-{name}": False} == {left["owner"]: left["alive"] for left in document["left"]}
    assert f"removed link-{name}" in plctl("clean", "--links").output
    assert all((NETNS_DIR / n).exists() for n in astuple(namespaces))


def test_clean_can_be_confined_to_a_run(state: Path, unique: str, plan: LinkPlan) -> None:
    """Dead owners that hold nothing of the run stay for another time."""
    for run in ("r1", "r2"):
        with Owner.create(f"agent-{run}"), contextlib.closing(Ledger(state / f"agent-{run}" / "ledger.jsonl")) as dead:
            build(LinkNamespaces.named(unique, run, "leo-0"), plan, dead)
    assert "removed agent-r1" in plctl("clean", "--run", "2024-01-01-r1").output
    assert not (NETNS_DIR / f"pl-{unique}-r1-leo-0-link").exists()
    assert (NETNS_DIR / f"pl-{unique}-r2-leo-0-link").exists()
    assert "removed agent-r2" in plctl("clean").output
    assert "nothing to remove\n" == plctl("clean").output
