"""`plctl deploy` on three real hosts: agents, a run across them, an upgrade beside a run, and no trace in the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.control import Control
from lab.deploying import Workstation, build_other_version, fill_cache, workstation
from lab.real_lab import RealLab
from lab.study import RAN, write_spec

from plctl.common import __version__

pytestmark = pytest.mark.timeout(600)

HOSTS = ["h1", "h2", "h3"]
#: What stays for good reason: folders with nothing but a lock, or by now others' namespaces; what any login writes.
STAYS = ("/run/plctl/ ", "/run/plctl/.lock ", "/run/netns/ ", "/run/motd.dynamic ")


@pytest.fixture
def desk(lab: RealLab, control: Control, cache: Path) -> Iterator[Workstation]:
    """The workstation, with all three hosts in its inventory; they are cleared at the end."""
    with workstation(lab, control, cache, lab.hosts) as desk:
        yield desk
        desk.deploy("--remove")


@pytest.fixture(scope="module")
def newer(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a version to come, from which bundles were made before."""
    wheel = build_other_version(tmp_path_factory.mktemp("newer"), "99.0.0")
    fill_cache(cache, wheel)
    return wheel


def changes(lab: RealLab, before: list[set[str]]) -> list[str]:
    """What files came, went or changed on the hosts since `before`."""
    pairs = [(host, old, host.files()) for host, old in zip(lab.hosts, before, strict=True)]
    return [f"{host.name} {line}" for host, old, new in pairs for line in old ^ new if not line.startswith(STAYS)]


def test_hosts_serve_after_one_command_and_are_afterwards_what_they_were(
    lab: RealLab, desk: Workstation, control: Control
) -> None:
    """--check changes nothing, a second deployment neither, and --remove leaves no file of ours."""
    before = [host.files() for host in lab.hosts]
    checked = desk.deploy("--check")
    assert (0, {"would change"}) == (checked.status, checked.all())
    assert [] == changes(lab, before)

    first = desk.deploy()
    assert (0, ["changed"] * 3) == (first.status, first.of(*HOSTS)), first
    assert HOSTS == sorted(control.agents())
    again = desk.deploy()
    assert (0, {"unchanged"}) == (again.status, again.all()), again

    removed = desk.deploy("--remove")
    assert (0, ["removed"] * 3) == (removed.status, removed.of(*HOSTS)), removed
    assert [] == changes(lab, before)
    control.await_agents([])
    assert {"unchanged"} == desk.deploy("--remove").all()


def test_an_upgrade_and_the_way_back(desk: Workstation, control: Control, newer: Path) -> None:
    """An idle host goes over to another version at once, and nothing of the old one stays."""
    desk.deploy()
    for options, version in ((["--wheel", str(newer)], "99.0.0"), ([], __version__)):
        done = desk.deploy(*options)
        assert (0, {"changed"}) == (done.status, done.all()), done
        assert {version} == {agent["version"] for agent in control.agents().values()}
        installed = desk.lab.host("h1").run(["ls", "/opt/plctl"]).stdout.split()
        assert [version] == [name.partition("-")[0] for name in installed if name not in ("current", "manifests")]


def test_the_unit_says_what_it_keeps(desk: Workstation) -> None:
    """systemd finds nothing wrong with it, and its exposure is what it is for good reason: 7.6 of 10."""
    desk.deploy()
    host = desk.lab.host("h1")
    assert "" == host.run(["systemd-analyze", "verify", "plctl-agent.service"]).stderr
    score = host.run(["systemd-analyze", "security", "--no-pager", "plctl-agent.service"]).stdout.splitlines()[-1]
    assert float(score.partition("service: ")[2].split()[0]) <= 7.6, score


def test_rotated_keys_and_a_second_start(lab: RealLab, desk: Workstation, control: Control) -> None:
    """Each agent gets a new key and the old ones count no more; after a boot an agent serves by itself."""
    desk.deploy()
    before = (control.keys / "allowed.json").read_text()
    done = desk.deploy("--rotate-keys", "--limit", "h1")
    assert (0, ["changed"]) == (done.status, done.of("h1")), done
    after = (control.keys / "allowed.json").read_text()
    keys = [{entry["name"]: entry["public"] for entry in json.loads(text)["entries"]} for text in (before, after)]
    assert ["h1"] == [name for name in keys[0] if keys[0][name] != keys[1][name]]
    host = lab.host("h2")
    host.power_off()
    host.boot()  # with systemd's own word that the agent serves
    assert HOSTS == sorted(control.agents())
    assert {"unchanged"} == desk.deploy().all()


def test_a_run_across_all_hosts(desk: Workstation, control: Control) -> None:
    """Six links with traffic, spread over three hosts, start and end together."""
    desk.deploy()
    done = control.ask("run", write_spec(control, "2s"), "--json")
    record = json.loads(done.stdout)
    assert set(HOSTS) == {link["host"] for link in record["links"]}
    assert record["verdict"] in RAN, done.stdout


def test_an_upgrade_waits_for_a_run_or_is_refused(desk: Workstation, control: Control, newer: Path) -> None:
    """An idle host goes over at once; one with a run only with --wait, after it; the run notices nothing."""
    desk.deploy()
    study = control.ask("run", write_spec(control, "30s"), "--detach", "--json")
    assert study.returncode == 0, study.stderr
    control.await_phase("running")
    refused = desk.deploy("--wheel", str(newer))
    assert (1, {"failed"}) == (refused.status, refused.all()), refused
    assert "a run goes on there (" in refused.hosts["h1"]["text"]
    assert "with --wait it is waited for" in refused.hosts["h1"]["text"]
    waited = desk.deploy("--wheel", str(newer), "--wait")
    assert (0, {"changed"}) == (waited.status, waited.all()), waited
    assert {"99.0.0"} == {agent["version"] for agent in control.agents().values()}
    shown = json.loads(control.ask("show", "last", "--follow", "--json").stdout)
    assert shown["result"]["verdict"] in RAN, shown
