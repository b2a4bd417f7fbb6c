"""The Debian package: builds here, installs on a host without a network, works there, and goes without a trace."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from lab.control import PLCTL, controller
from lab.real_host import RealHost
from lab.real_lab import RealLab

from plctl.common.cli.root_command import root

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n500,1,2,20\n"
#: What stays for good reason: dpkg's register, and the folder of named namespaces, which by now others may use.
STAYS = ("/var/lib/dpkg/", "/run/netns/ ")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, as `make deb` builds it."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run([ROOT / "deploy/debian/build", sys.executable, folder], check=True, timeout=500)
    (path,) = folder.iterdir()
    return path


@pytest.fixture
def host(lab: RealLab, package: Path) -> Iterator[RealHost]:
    """A host on which the package lies, not installed."""
    host = lab.host("h1")
    target = host.disk / "var/tmp/plctl.deb"
    target.write_bytes(package.read_bytes())
    yield host
    host.run(["dpkg", "--purge", "plctl"], check=False)
    target.unlink()


def test_the_package_has_what_a_user_meets(package: Path) -> None:
    """A man page for each command, completions, scenarios, the README, and a sample that names a controller."""
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as tree:
        names = {name.removeprefix("./usr/share/") for name in tree.getnames()}
        sample = tree.extractfile("./usr/share/doc/plctl/examples/plctl-agent")
        page = tree.extractfile("./usr/share/man/man1/plctl-lab-up.1.gz")
        assert sample
        assert page
        assert b"\nPLCTL_CONTROLLER=tcp://" in sample.read()
        assert b".B \\-\\-delay " in gzip.decompress(page.read())
    assert {f"man/man1/plctl-{name}.1.gz" for name in root.list_commands(click.Context(root))} <= names
    assert {
        "bash-completion/completions/plctl",
        "zsh/vendor-completions/_plctl",
        "fish/vendor_completions.d/plctl.fish",
        "nushell/vendor/autoload/plctl.nu",
        "plctl/scenarios/handover.yaml",
        "doc/plctl/README.md",
    } <= names


def test_the_package_works_without_a_network_and_leaves_nothing(host: RealHost) -> None:
    """Installed, it can do what it says: judge the host, run a link, write a report; removed, it was never there."""
    before = {line for line in host.files() if not line.startswith(STAYS)}
    host.run(["dpkg", "--install", "/var/tmp/plctl.deb"])
    assert host.run(["plctl", "--version"]).stdout.startswith("plctl ")
    findings = host.run(["plctl", "doctor", "--brief"])
    assert ("", "") == (findings.stdout, findings.stderr)
    host.run(["mkdir", "/var/tmp/study"])
    host.run(["sh", "-c", "cat > /var/tmp/study/short.csv"], text=SCENARIO)
    probe = "plctl probe client 192.168.66.2 --count 1 --timeout 0.1s"
    run = f"cd /var/tmp/study && HOME=$PWD plctl run short.csv --json -- sh -c '{probe} || true'"
    done = host.run(["sh", "-c", run], check=False)
    record = json.loads(done.stdout)
    assert record["verdict"] in ("ok", "late"), done.stdout + done.stderr  # a busy test machine may be late
    host.run(["sh", "-c", "test -s /var/tmp/study/runs/*/report.html"])
    host.run(["rm", "-r", "/var/tmp/study"])
    host.run(["dpkg", "--remove", "plctl"])
    after = {line for line in host.files() if not line.startswith(STAYS)}
    assert (set(), set()) == (after - before, before - after)
    assert "" == host.run(["dpkg-query", "--show", "--showformat=${Status}", "plctl"], check=False).stdout


def test_the_package_brings_an_agent_that_systemd_keeps(lab: RealLab, host: RealHost) -> None:
    """Told its controller and given a key, it serves; the removal of the package ends it."""
    host.run(["dpkg", "--install", "/var/tmp/plctl.deb"])
    with controller(lab) as control:
        enrolled = control.seat.run([*PLCTL, "agent", "enroll", "edge", "--keys", str(control.keys)]).stdout.split()
        host.run(["mkdir", "-m", "700", "/etc/plctl"])
        for path in map(Path, enrolled):
            host.run(["sh", "-c", f"umask 077; cat > /etc/plctl/{path.name}"], text=path.read_text())
        host.run(["sh", "-c", f"echo PLCTL_CONTROLLER={control.address} > /etc/default/plctl-agent"])
        host.run(["systemctl", "enable", "--now", "plctl-agent"])  # returns once the controller has welcomed it
        assert ["edge"] == list(control.agents())
        host.run(["dpkg", "--remove", "plctl"])
        assert "inactive\n" == host.run(["systemctl", "is-active", "plctl-agent"], check=False).stdout
    host.run(["rm", "-r", "/etc/plctl", "/etc/default/plctl-agent"])
