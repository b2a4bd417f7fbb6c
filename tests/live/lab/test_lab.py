"""A laboratory as its users meet it: hosts with clocks, names, processes and networks of their own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.agent.kernel import namespace
from plctl.agent.kernel.namespace import NETNS_DIR, enter, run_in_thread
from plctl.agent.lab.delay import Delay
from plctl.agent.lab.design import HOSTS_MAX, AccessLink
from plctl.agent.lab.folder import find_keeper
from plctl.agent.lab.lab import Lab, LabHost, take_down
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import BusyError, UserError
from plctl.common.cli.root_command import root

PLCTL = str(Path(sys.executable).with_name("plctl"))
BringUp = Callable[..., Lab]

#: Clocks of a host, all at once.
READ_CLOCKS = "import time; print(time.monotonic_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns())"

#: On an idle host: its holder, and who counts.
COUNT_PROCESSES = "import os; print(sum(name.isdigit() for name in os.listdir('/proc')))"

#: argv: socket type. Answers once, by what it was told.
ANSWER = """
import socket, sys
kind = getattr(socket, sys.argv[1])
server = socket.socket(socket.AF_INET6, kind)
server.bind(("::", 7777))
if kind == socket.SOCK_STREAM:
    server.listen()
    print("ready", flush=True)
    connection, _ = server.accept()
    connection.sendall(connection.recv(100).upper())
else:
    print("ready", flush=True)
    data, source = server.recvfrom(100)
    server.sendto(data.upper(), source)
"""

#: argv: socket type, family, name of a host. Asks it, and prints what it answers.
ASK = """
import socket, sys
kind, family = (getattr(socket, name) for name in sys.argv[1:3])
client = socket.socket(family, kind)
client.settimeout(30)
client.connect((sys.argv[3], 7777))
client.send(b"hello")
print(client.recv(100).decode())
"""


def plctl(*arguments: str) -> Result:
    """What the command says and ends with."""
    return CliRunner().invoke(root, arguments)


def python(host: LabHost, code: str, *arguments: str) -> str:
    """What `code` prints on `host`."""
    done = host.run([sys.executable, "-c", code, *arguments], timeout=60)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def snapshot() -> dict[str, str]:
    """The machine's own network: interfaces, addresses, routes, names, and every setting of it."""
    facts = {"interfaces": str(sorted(name for _, name in socket.if_nameindex())), "hostname": socket.gethostname()}
    for table in ("route", "if_inet6", "fib_trie"):
        facts[table] = Path("/proc/net", table).read_text()
    ipv6 = Path("/proc/net/ipv6_route").read_text().splitlines()
    facts["ipv6_route"] = str([[*line.split()[:5], line.split()[-1]] for line in ipv6])  # between them: use counts
    for path in Path("/proc/sys/net").rglob("*"):
        if path.is_file() and path.name not in ("nf_conntrack_count",):
            try:
                facts[str(path)] = path.read_text()
            except OSError as error:  # write-only, or not for this kernel
                facts[str(path)] = str(error.errno)
    facts["hosts file"] = Path("/etc/hosts").read_text()
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    facts["mounts"] = str(sorted(line.split(" ", 2)[2] for line in mounts if "/run/netns" not in line))
    return facts


@pytest.mark.undisturbed
def test_hosts_differ_in_clock_name_and_processes_and_reach_each_other(bring_up: BringUp) -> None:
    """Four hosts, a controller and a workstation, none of which changes the machine's own network."""
    before = snapshot()
    lab = bring_up(4)
    assert before == snapshot()
    assert ["h1", "h2", "h3", "h4", "controller", "workstation"] == [host.name for host in lab.hosts]
    for host in lab.hosts:
        earliest = (time.monotonic_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns())
        read = [int(word) for word in python(host, READ_CLOCKS).split()]
        latest = (time.monotonic_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns())
        offsets = (host.monotonic_offset_ns, host.design.boottime_offset_ns, 0)
        assert all(a + o <= t <= b + o for a, t, b, o in zip(earliest, read, latest, offsets, strict=True))
        assert host.name == python(host, "import socket; print(socket.gethostname())")
        assert 2 == int(python(host, COUNT_PROCESSES))
    for kind, family, source, target in (
        ("SOCK_STREAM", "AF_INET", "h1", "h2"),
        ("SOCK_STREAM", "AF_INET6", "h4", "controller"),
        ("SOCK_DGRAM", "AF_INET", "workstation", "h3"),
        ("SOCK_DGRAM", "AF_INET6", "h2", "h1"),
    ):
        with lab.host(target).popen([sys.executable, "-c", ANSWER, kind], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            assert "ready\n" == server.stdout.readline()
            assert "HELLO" == python(lab.host(source), ASK, kind, family, target)
            assert 0 == server.wait()
    lab.down()
    assert before == snapshot()


def test_the_doctor_finds_a_host_fit(bring_up: BringUp) -> None:
    """All that links need of a machine is there."""
    done = bring_up(1).host("h1").run([PLCTL, "doctor", "--brief"], timeout=60)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_a_run_works_on_a_host_and_leaves_nothing(bring_up: BringUp, tmp_path: Path) -> None:
    """Controller, agent, forwarder and namespaces live in the host alone, which afterwards is as before."""
    (tmp_path / "short.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n500,1,2,20\n")
    host = bring_up(1).host("h1")
    ping = [PLCTL, "probe", "client", "192.168.66.2", "--rate", "50pps", "--count", "20"]
    spec = {
        "links": [
            {
                "name": "leo",
                "scenario": "short.csv",
                "workload": [
                    {"at": "server", "command": [PLCTL, "probe", "server", "--once"], "ready": {"udp": 8622}},
                    {"at": "client", "command": ping, "start": "0s"},
                ],
            }
        ]
    }
    (tmp_path / "study.yaml").write_text(json.dumps(spec))
    done = host.run([PLCTL, "run", "study.yaml", "--json"], cwd=tmp_path, timeout=100)
    record = json.loads(done.stdout)
    assert record["verdict"] in ("ok", "late"), done.stdout + done.stderr  # a busy test machine may be late
    assert "[]" == python(host, "import os; print(os.listdir('/run/netns'))")
    assert 2 == int(python(host, COUNT_PROCESSES))
    assert [".lock"] == [path.name for path in host.state_folder.iterdir()]


def test_hosts_do_not_see_each_others_links(bring_up: BringUp) -> None:
    """Two hosts set up a link of the same name; each has its own, and the machine has neither."""
    lab = bring_up(2)
    for name in ("h1", "h2"):
        assert 0 == lab.host(name).run([PLCTL, "link", "setup"], timeout=60).returncode
    assert not (NETNS_DIR / "pl-link-default-client").exists()
    assert "torn down" in lab.host("h1").run([PLCTL, "link", "teardown"], timeout=60).stdout
    listed = [lab.host(name).run([PLCTL, "link", "list"], timeout=60).stdout for name in ("h1", "h2")]
    assert "no link is set up" in listed[0]
    assert "default: set up" in listed[1]


def test_a_command_ends_as_it_would_anywhere(bring_up: BringUp) -> None:
    """Its exit status, or the signal that ended it, is what its starter sees."""
    host = bring_up(1).host("h1")
    for expected, command in (
        (0, ["true"]),
        (3, ["sh", "-c", "exit 3"]),
        (-signal.SIGKILL, ["sh", "-c", "kill -9 $$"]),
        (-signal.SIGSEGV, ["sh", "-c", "kill -SEGV $$"]),
        (127, ["no-such-command-anywhere"]),
        (126, ["/etc/hosts"]),
    ):
        done = host.run(command, timeout=60)
        assert (expected, expected in (126, 127)) == (done.returncode, bool(done.stderr)), command


def test_a_command_gets_signals_folder_and_environment_and_dies_with_who_stands_for_it(
    bring_up: BringUp, tmp_path: Path
) -> None:
    """SIGTERM and SIGINT reach it once; SIGKILL of its stand-in kills it too."""
    host = bring_up(1).host("h1")
    code = (
        "import os, signal\n"
        "got, wanted = [], {signal.SIGTERM, signal.SIGINT}\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, wanted)  # a signal before sigwait() would else be missed\n"
        "print(os.getcwd(), os.environ['WORD'], os.environ['PLCTL_STATE_DIR'], flush=True)\n"
        "while True: got.append(signal.sigwait(wanted)); print(*map(int, got), flush=True)\n"
    )
    with host.popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "WORD": "yes"},
    ) as stand_in:
        assert stand_in.stdout
        assert [str(tmp_path), "yes", str(host.state_folder)] == stand_in.stdout.readline().split()
        stand_in.send_signal(signal.SIGTERM)
        assert "15\n" == stand_in.stdout.readline()
        stand_in.send_signal(signal.SIGINT)
        assert "15 2\n" == stand_in.stdout.readline()
        stand_in.kill()
        assert "" == stand_in.stdout.read(), "the command lives on"


def test_ctrl_c_on_a_terminal_reaches_a_command_once(bring_up: BringUp) -> None:
    """The terminal tells both the command and who stands for it, who must not tell it again."""
    host = bring_up(1).host("h1")
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        "print('ready', flush=True); sys.stdin.readline(); print('over')\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, host.command([sys.executable, "-c", code]))
    said = b""
    for typed, awaited in ((b"", b"ready"), (b"\x03", b"interrupted"), (b"\n", b"over")):
        os.write(terminal, typed)
        while awaited not in said:
            said += os.read(terminal, 4096)
    assert 0 == os.waitpid(pid, 0)[1]
    os.close(terminal)
    assert 1 == said.count(b"interrupted"), said


def test_the_commands_of_a_lab(state: Path, unique: str) -> None:
    """Up, listed, used, and down; then up and down again do what they say."""
    name = ["--name", unique]
    done = plctl("lab", "up", "2", *name, "--delay", "h1=5ms", "--seed", "7")
    assert (0, True) == (done.exit_code, f"lab {unique} is up, seed 7" in done.output), done.output
    try:
        assert (2, True) == ((again := plctl("lab", "up", "2", *name)).exit_code, "is up already" in again.output)
        (facts,) = json.loads(plctl("lab", "list", "--json").output)
        assert (unique, 7, "") == (facts["name"], facts["seed"], facts["trouble"])
        h1 = facts["hosts"][0]
        assert ("h1", True, "10.77.0.1", 5_000_000) == (h1["name"], h1["alive"], h1["ipv4"], h1["delay_up"]["ns"])
        assert "delay 5 ms" in plctl("lab", "list").output
        hello = [PLCTL, "lab", "exec", *name, "h2", "--", "sh", "-c", "hostname; exit 5"]
        ran = subprocess.run(hello, capture_output=True, text=True, check=False, timeout=60)
        assert (5, "h2\n") == (ran.returncode, ran.stdout)
        ran = subprocess.run([*hello[:5], "h9", "true"], capture_output=True, text=True, check=False, timeout=60)
        assert (2, True) == (ran.returncode, "its hosts are h1, h2, controller, workstation" in ran.stderr)
    finally:
        assert f"lab {unique} is down\n" == plctl("lab", "down", *name).output
    assert f"lab {unique} is not up\n" == plctl("lab", "down", *name).output
    assert "no lab is up" in plctl("lab", "list").output
    assert [".lock"] == [path.name for path in state.iterdir()]


@pytest.mark.usefixtures("state")
def test_what_is_wrong_is_said_before_anything_is_made(unique: str) -> None:
    """Bad names, hosts and delays are the user's to mend."""
    for arguments, words in (
        (["2", "--delay", "5"], "is not a duration"),
        (["2", "--delay", "h3=5ms"], "no host h3"),
        (["0"], "0 is not in the range"),
        ([str(HOSTS_MAX + 1)], "is not in the range"),
    ):
        done = plctl("lab", "up", "--name", unique, *arguments)
        assert (2, True) == (done.exit_code, words in done.output), done.output
    with pytest.raises(UserError, match="is not up; try: plctl lab up"):
        Lab.find(unique)


def test_a_lab_whose_network_is_taken_leaves_nothing(
    bring_up: BringUp, unique: str, state: Path, tmp_path: Path
) -> None:
    """A stranger's namespace of the same name is named and kept; what was built before it is removed."""
    alike = f"pl-lab-{unique}-h2"
    with contextlib.closing(Ledger(tmp_path / "others.jsonl")) as others:
        namespace.prepare_folder()
        run_in_thread(lambda: namespace.create(alike, others))
        with pytest.raises(BusyError, match=f"the namespace {alike} exists already"):
            bring_up(2)
        assert [alike] == [path.name for path in NETNS_DIR.glob(f"pl-lab-{unique}-*")]
        assert [".lock"] == [path.name for path in state.iterdir()]
        for entry in others.entries():
            assert namespace.remove(entry, others)


def test_a_dead_host_is_told_and_the_others_live_on(bring_up: BringUp) -> None:
    """Its commands die with it; who tries another hears of it."""
    lab = bring_up(2)
    h1 = lab.host("h1")
    with h1.popen(["sh", "-c", "echo there; sleep 1000"], stdout=subprocess.PIPE, text=True) as sleeper:
        assert sleeper.stdout
        assert "there\n" == sleeper.stdout.readline()
        processes.end([h1.holder])
        assert -signal.SIGKILL == sleeper.wait(60)
    done = h1.run(["true"], timeout=60)
    assert (1, True) == (done.returncode, "host h1" in done.stderr and "has died" in done.stderr)
    assert [False, True, True, True] == [host.is_alive for host in lab.hosts]
    assert 0 == lab.host("h2").run(["true"], timeout=60).returncode


def test_a_lab_that_lost_its_forwarder_says_so(bring_up: BringUp, unique: str) -> None:
    """Hosts that cannot reach each other any more are not left a riddle."""
    lab = bring_up(1, accesses={"h1": AccessLink(Delay(1_000_000))})
    keeper = find_keeper(lab.folder)
    assert keeper
    (forwarder,) = (int(pid) for pid in Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text().split())
    os.kill(forwarder, signal.SIGKILL)
    while not lab.trouble:
        time.sleep(0.002)
    assert f"{unique}: broken, the forwarder was killed by SIGKILL" in plctl("lab", "list").output


def test_a_lab_ends_with_its_keeper_and_reaping_removes_it(bring_up: BringUp, unique: str, state: Path) -> None:
    """`plctl clean` leaves a standing lab alone, and takes a dead one apart."""
    lab = bring_up(1)
    cleaned = plctl("clean").output
    assert f"left lab-{unique}, which is in use: " in cleaned, cleaned
    keeper = find_keeper(lab.folder)
    assert keeper
    processes.end([keeper])
    assert [] == Lab.find_all()
    assert f"removed namespace pl-lab-{unique}-switch" in plctl("clean").output
    assert [] == [*NETNS_DIR.glob(f"pl-lab-{unique}-*"), *state.glob("lab-*")]
    assert [] == take_down(unique)


def test_a_host_uses_the_network_of_its_own_namespace(bring_up: BringUp) -> None:
    """Tools on the machine find a host's network by the name that `lab list --json` tells."""
    host = bring_up(1).host("h1")
    inside = python(host, "import socket; print(sorted(name for _, name in socket.if_nameindex()))")

    def look() -> str:
        enter(host.design.netns)
        return str(sorted(name for _, name in socket.if_nameindex()))

    assert inside == run_in_thread(look) == "['eth0', 'lo']"
