"""Settings of a namespace are seen and written in a procfs of their own, and without one just as well."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from plctl.agent.kernel import namespace, sysctl
from plctl.agent.kernel.own_procfs import open_own_procfs
from plctl.agent.kernel.telling_settings import telling_settings
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError

SETTING = "ipv6/conf/default/dad_transmits"


@pytest.fixture
def name(ledger: Ledger, unique: str) -> Iterator[str]:
    """A namespace."""
    made = f"{unique}-sysctl"
    namespace.prepare_folder()
    namespace.run_in_thread(lambda: namespace.create(made, ledger))
    yield made
    entry = ledger.find("netns", made)
    assert entry
    namespace.remove(entry, ledger)


def refuse() -> int:
    """As a kernel that gives nobody a procfs."""
    raise OSError(errno.ENOSYS, "Function not implemented")


@pytest.mark.parametrize("own", [True, False])
def test_what_is_written_counts_in_that_namespace_alone(name: str, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a procfs of its own, and by /proc where the kernel gives none; either way no descriptor is left."""
    if not own:
        monkeypatch.setattr(sysctl, "open_own_procfs", refuse)

    def change() -> tuple[str, str]:
        with sysctl.Settings(name) as here:
            before = here.read(SETTING)
            here.write({SETTING: "7"})
            return before, here.read(SETTING)

    host, opened = Path("/proc/sys/net", SETTING).read_text(), len([*Path("/proc/self/fd").iterdir()])
    assert ("1\n", "7\n") == namespace.run_inside(name, change)
    assert "7\n" == namespace.run_inside(name, lambda: Path("/proc/sys/net", SETTING).read_text())
    assert host == Path("/proc/sys/net", SETTING).read_text()
    assert opened == len([*Path("/proc/self/fd").iterdir()])


def test_what_decides_how_tcp_behaves_is_told_of_the_namespace_and_the_host(name: str) -> None:
    """The namespace's own buffers and congestion control; what only the host has, of that."""
    namespace.run_inside(name, lambda: sysctl.write({"ipv4/tcp_rmem": "4096 5000 6000", "ipv4/tcp_ecn": "1"}, name))
    told = telling_settings(name)
    assert ("4096 5000 6000", "1") == (told["net.ipv4.tcp_rmem"], told["net.ipv4.tcp_ecn"])
    assert Path("/proc/sys/net/core/rmem_max").read_text().strip() == told["net.core.rmem_max"]
    assert told["net.ipv4.tcp_congestion_control"]


def proc_mounts() -> list[str]:
    """Where a procfs is mounted for us."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return [mount.split()[4] for mount in mounts if mount.partition(" - ")[2].startswith("proc ")]


def test_a_procfs_of_ones_own_is_mounted_nowhere() -> None:
    """Nobody else sees it, and it goes with its descriptor."""
    mounts = proc_mounts()
    own = open_own_procfs()
    try:
        assert stat.S_ISDIR(os.stat("sys/net", dir_fd=own).st_mode)
        assert mounts == proc_mounts()
    finally:
        os.close(own)


def test_a_setting_that_is_none_is_named(name: str) -> None:
    """With its name and the namespace's."""
    with pytest.raises(KernelError, match=f"cannot set net.ipv4.tcp_memory in {name}: No such file"):
        namespace.run_inside(name, lambda: sysctl.write({"ipv4/tcp_memory": "1"}, name))
