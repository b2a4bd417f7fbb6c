"""The laboratory of real hosts is what it says: systems of their own, clocks of their own, and gone without a trace."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path

import pytest
from lab import faults
from lab.real_host import USER, HostError
from lab.real_lab import RealLab
from lab.trees import BOOKWORM, BULLSEYE, cache_folder, make_tree

from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.lab.folder import DESIGN_NAME, find_keeper

pytestmark = pytest.mark.timeout(600)  # the first to come needs the Debian trees

ROOT = Path(__file__).resolve().parents[2]
CLOCK = "import time; print(time.monotonic_ns())"

#: argv: options of asyncssh.connect as JSON, a command. Prints what it says, or the name of what went wrong.
ASK = """
import asyncio, asyncssh, json, sys
async def ask(options, command):
    async with asyncssh.connect(**options, config=None, agent_path=None) as connection:
        done = await connection.run(command)
        print("cut off" if done.exit_status is None else done.stdout, end="")
try:
    asyncio.run(ask(json.loads(sys.argv[1]), sys.argv[2]))
except (OSError, asyncssh.Error) as error:
    print(type(error).__name__)
"""


def ask(lab: RealLab, host: str, command: str, **options: str | None) -> str:
    """What `command` says over ssh from the workstation, or the name of what went wrong."""
    home = lab.workstation.home
    options = {"host": host, "known_hosts": str(home / ".ssh/known_hosts"), **options}
    return lab.workstation.run([sys.executable, "-c", ASK, json.dumps(options), command], timeout=60).stdout.strip()


def test_hosts_are_whole_systems_of_their_own(lab: RealLab) -> None:
    """Each has an init that runs, a name, an identity and a clock that no other has."""
    assert ["h1", "h2", "h3"] == [host.run(["hostname"]).stdout.strip() for host in lab.hosts]
    assert {"running\n"} == {host.run(["systemctl", "is-system-running"]).stdout for host in lab.hosts}
    for command in (["cat", "/etc/machine-id"], ["cat", "/proc/sys/kernel/random/boot_id"]):
        assert 3 == len({host.run(command).stdout for host in lab.hosts})
    times = sorted(int(host.run(["python3", "-c", CLOCK]).stdout) for host in lab.hosts)
    assert min(b - a for a, b in itertools.pairwise(times)) > 1e9, "clocks that agree by chance: run it again"


def test_the_workstation_reaches_hosts_by_ssh_and_knows_their_keys(lab: RealLab) -> None:
    """By name or address, as root by key, as an ordinary account by password, which is the one for sudo too."""
    key = {"client_keys": str(lab.key_file)}
    assert "h1 root" == ask(lab, "h1", "echo $(hostname) $(id -un)", username="root", **key)
    assert "h2" == ask(lab, lab.host("h2").address, "hostname", username=USER, password=lab.password)
    become_root = f"echo {lab.password} | sudo -S -p '' id -un"
    assert "root" == ask(lab, "h3", become_root, username=USER, password=lab.password)
    assert "PermissionDenied" == ask(lab, "h2", "true", username=USER, password="wrong", client_keys=None)


def test_hosts_reach_each_other_and_nothing_else(lab: RealLab) -> None:
    """They know each other by name; there is no route to anywhere else, and the machine has none to them."""
    dial = "import socket, sys; socket.create_connection((sys.argv[1], 22), 10)"
    lab.host("h1").run(["python3", "-c", dial, "h3"])
    with pytest.raises(HostError, match="Network is unreachable"):
        lab.host("h1").run(["python3", "-c", dial, "198.51.100.1"])
    routes = [Path("/proc/net/route").read_text(), lab.host("h1").run(["cat", "/proc/net/route"]).stdout]
    assert [False, True] == ["00004D0A" in route for route in routes]  # 10.77.0.0 as the kernel writes it


def test_a_host_without_power_is_silent_and_keeps_its_disk(lab: RealLab) -> None:
    """As if its plug were pulled; when it is back, what was written is there."""
    host = lab.host("h2")
    host.run(["touch", "/root/kept"])
    host.power_off()
    assert not host.is_running
    with pytest.raises(HostError, match="h2 is switched off"):
        host.run(["true"])
    host.boot()
    host.run(["rm", "/root/kept"])


def test_faults_are_what_they_say(lab: RealLab) -> None:
    """A full disk, a changed host key and ssh connections that die, each undone afterwards."""
    host = lab.host("h1")
    key = {"client_keys": str(lab.key_file), "username": "root"}
    with faults.full_disk(host), pytest.raises(HostError, match="No space left on device"):
        host.run(["dd", "if=/dev/zero", "of=/opt/file", "bs=1M", "count=2"])
    with faults.ssh_cut_when(host, "/root/now-*") as killed:
        assert "cut off" == ask(lab, "h1", "touch /root/now-or-never; sleep 1000", **key)
    assert [1] == killed
    faults.change_host_key(host)
    assert "HostKeyNotVerifiable" == ask(lab, "h1", "true", **key)
    lab.trust_host_keys()
    assert "h1" == ask(lab, "h1", "rm /root/now-*; hostname", **key)


def test_a_host_can_be_an_older_debian(lab: RealLab) -> None:
    """Debian 11 comes with a real Python that is too old for plctl; a new installation takes everything away."""
    host = lab.host("h3")
    for recipe, version in ((BULLSEYE, "Python 3.9"), (BOOKWORM, "Python 3.11")):
        host.power_off()
        host.install(recipe)
        host.boot()
        assert host.run(["python3", "--version"]).stdout.startswith(version)


@pytest.fixture(scope="module")
def cgroups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of the control groups, mounted for one process alone: the machine may have none, or hide its own."""
    folder = tmp_path_factory.mktemp("cgroups")
    mount = ["unshare", "--mount", "sh", "-c", 'mount -t cgroup2 cgroup2 "$0" && echo && exec cat', str(folder)]
    with subprocess.Popen(mount, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n", "it cannot mount control groups"
        yield Path(f"/proc/{process.pid}/root{folder}")


def left_of(name: str, cgroups: Path) -> list[str]:
    """What still exists of the laboratory `name`: namespaces, state, control groups, processes."""
    state = cache_folder() / f"state/lab-{name}"
    paths = [state, cgroups / f"plctl-lab-{name}"]
    found = [*NETNS_DIR.glob(f"pl-lab-{name}-*"), *(path for path in paths if path.exists())]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended just now
            if os.fsencode(str(state)) in (folder / "cmdline").read_bytes():
                found.append(folder)
    return [str(each) for each in found]


#: How far a laboratory has come: what must exist of it, in patterns.
STAGES = {
    "its folder": f"{cache_folder()}/state/lab-real-{{pid}}-*",
    "a namespace": "/run/netns/pl-lab-real-{pid}-*-h1",
    "all namespaces": "/run/netns/pl-lab-real-{pid}-*-workstation",
    "a disk": f"{cache_folder()}/state/lab-real-{{pid}}-*/workstation/home/.ssh/id_ed25519",
    "a control group": "{cgroups}/plctl-lab-real-{pid}-*",
    "a running system": "{cgroups}/plctl-lab-real-{pid}-*/h1/supervisor",
}


@contextlib.contextmanager
def laboratory_until(stage: str, cgroups: Path) -> Iterator[Path]:
    """The folder of a laboratory of another process, which has come to `stage`, and is killed after the block."""
    make_tree(BOOKWORM)  # so that the other need not
    starter = "import lab.real_lab\nwith lab.real_lab.RealLab(1): input()"
    process = subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT / "tests", stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not glob(STAGES[stage].format(pid=process.pid, cgroups=cgroups)):  # noqa: PTH207  (from the root folder)
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, f"there is no {stage} after a minute"
        (folder,) = (cache_folder() / "state").glob(f"lab-real-{process.pid}-*")
        yield folder
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_killed_laboratory_left_is_removed_by_the_next(stage: str, cgroups: Path) -> None:
    """Whenever its starter is killed: while hosts are made, or boot, or soon after."""
    with laboratory_until(stage, cgroups) as folder:
        pass
    assert folder.exists(), "it should have left something"
    with RealLab(1):
        assert [] == left_of(folder.name.removeprefix("lab-"), cgroups)


def test_a_keeper_whose_starter_was_killed_does_not_build_on_beside_the_next(cgroups: Path) -> None:
    """However slow it is: here, it stands still."""
    with laboratory_until("its folder", cgroups) as folder:
        deadline = time.monotonic() + 60
        while (keeper := find_keeper(folder)) is None:
            assert time.monotonic() < deadline, "its keeper does not say who it is"
        os.kill(keeper.pid, signal.SIGSTOP)
    assert not (folder / DESIGN_NAME).exists(), "it was up before it could be stopped: run it again"
    with RealLab(1):
        assert [] == left_of(folder.name.removeprefix("lab-"), cgroups)


def test_a_laboratory_killed_beside_another_is_left_to_the_next(cgroups: Path) -> None:
    """The other, which has swept already, ends without touching what still runs there."""
    with RealLab(1), laboratory_until("a running system", cgroups) as folder:
        pass
    assert folder.exists(), "it should have left something"
    with RealLab(1):
        assert [] == left_of(folder.name.removeprefix("lab-"), cgroups)
