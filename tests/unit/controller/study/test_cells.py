"""A study becomes runs that are all valid, each known by what determines it and by nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plctl.common.base.errors import InputError
from plctl.controller.study.cells import Study, load_study

BASE = """\
name: base
seed: 99
duration: 2s
labels: {who: me}
links:
  - name: leo
    scenario: "{path}.csv"
    loss: {loss}
    queue: {capacity: {buffer}}
    workload:
      - {at: client, name: talk, command: "echo {cc} to {server} ${cc}", start: 0s}
"""
STUDY = """\
study: cc
base: base.yaml
factors:
  cc: [cubic, bbr]
  buffer: [0.5bdp, 1bdp]
  path: slow
  loss: {from: 0%, to: 2%, steps: 2}
repetitions: 2
metrics: {talk: iperf3}
"""
ROWS = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,8\n1000,0,20,8\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study, its run spec and its scenario."""
    for name, text in (("study.yaml", STUDY), ("base.yaml", BASE), ("slow.csv", ROWS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(folder: Path, name: str, before: str, after: str) -> Study:
    """The study once `before` is `after` in the file `name`."""
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))
    return load_study(folder / "study.yaml")


def digests(study: Study, **values: str) -> set[str]:
    """Of the cells with these values."""
    return {
        each.digest for cell in study.record.cells for each in cell.repetitions if values.items() <= cell.values.items()
    }


def test_levels_are_filled_in_wherever_they_are_named(folder: Path) -> None:
    """As a whole value, as a part of one, with braces that YAML would take; what is the shell's or the run's stays."""
    study = load_study(folder / "study.yaml")
    assert 2 * 2 * 2 * 2 == len(study.requests)
    for request in study.requests.values():
        plan, labels = request.links[0].plan, request.labels
        assert ("sh", "-c", f"echo {labels['cc']} to {{server}} ${{cc}}") == plan.workloads[0].command
        assert {"0.5bdp": 500_000, "1bdp": 1_000_000}[labels["buffer"]] == plan.queue.capacity.amount
        assert {"0%": 0, "2%": 20_000_000}[labels["loss"]] == plan.up.column("loss_ppb")[0]


def test_a_run_says_what_it_is_of(folder: Path) -> None:
    """By labels, which every listing shows; its sources are the files as they are."""
    study = load_study(folder / "study.yaml")
    for cell in study.record.cells:
        for each in cell.repetitions:
            request = study.requests[each.digest]
            expected = {
                "who": "me",
                **cell.values,
                "study": "cc",
                "cell": cell.cell,
                "repetition": str(each.repetition),
                "digest": each.digest,
            }
            assert expected == request.labels
            assert ("cc", each.seed) == (request.name, request.seed)
            assert [BASE, ROWS] == [source.text for source in request.sources]


def test_seeds_and_cells_are_hashes_that_anybody_can_compute(folder: Path) -> None:
    """As their page says."""
    (cell, *_), seed = load_study(folder / "study.yaml").record.cells, 1
    text = json.dumps(["plctl seed", seed, cell.values, 2], sort_keys=True, separators=(",", ":"))
    assert int(hashlib.sha256(text.encode()).hexdigest(), 16) >> (256 - 63) == cell.repetitions[1].seed
    text = json.dumps(["plctl cell", cell.values], sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == cell.cell


def test_every_run_has_a_seed_and_a_digest_of_its_own(folder: Path) -> None:
    """But factors that are paired have no part in seeds."""
    study = load_study(folder / "study.yaml")
    assert 16 == len({request.seed for request in study.requests.values()})
    paired = edit(folder, "study.yaml", "repetitions:", "paired: [cc, buffer]\nrepetitions:")
    assert 4 == len({request.seed for request in paired.requests.values()})
    assert 16 == len(paired.requests)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("base.yaml", "name: base", "# a comment\nname: other"),
        ("base.yaml", "who: me", "who: you"),
        ("base.yaml", "seed: 99", "seed: 1"),
        ("base.yaml", "duration: 2s", "duration: 2000ms"),
        ("base.yaml", "    loss: {loss}", "    arp: static\n    loss: {loss}"),
        ("slow.csv", "1000,0,20,8", "1000,0,20.0,8.00"),
        ("study.yaml", "metrics:", "order: as-written\nretry: {late: 3}\nmetrics:"),
    ],
)
def test_what_does_not_determine_a_run_does_not_make_it_another(
    folder: Path, name: str, before: str, after: str
) -> None:
    """Comments, names, labels, other spellings of the same, defaults that are spelled out, the order of runs."""
    digests = set(load_study(folder / "study.yaml").requests)
    assert digests == set(edit(folder, name, before, after).requests)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("base.yaml", "duration: 2s", "duration: 3s"),
        ("base.yaml", "echo", "printf"),
        ("base.yaml", "duration: 2s", "duration: 2s\nbudget: {lateness: 5ms}"),
        ("slow.csv", "1000,0,20,8", "1000,0,21,8"),
        ("study.yaml", "repetitions:", "seed: 2\nrepetitions:"),
    ],
)
def test_what_determines_a_run_makes_it_another(folder: Path, name: str, before: str, after: str) -> None:
    """All of them, as all of them have it."""
    before_edit = set(load_study(folder / "study.yaml").requests)
    assert before_edit.isdisjoint(edit(folder, name, before, after).requests)


def test_an_edit_changes_only_the_cells_that_it_touches(folder: Path) -> None:
    """A level that is another, cells and repetitions that are added."""
    study = load_study(folder / "study.yaml")
    other = edit(folder, "study.yaml", "[cubic, bbr]", "[cubic, reno, bbr]")
    assert digests(study) == digests(other) - digests(other, cc="reno")
    more = edit(folder, "study.yaml", "repetitions: 2", "repetitions: 3")
    assert digests(other) < digests(more)
    assert 24 + 12 == len(digests(more))


def test_repetitions_may_differ_in_more_than_their_seeds(folder: Path) -> None:
    """A program may be told its repetition and its seed."""
    study = edit(folder, "base.yaml", "echo {cc}", "echo {cc} {repetition} {seed}")
    for request in study.requests.values():
        said = request.links[0].plan.workloads[0].command[2]
        assert f"{request.labels['repetition']} {request.seed} to" in said


@pytest.mark.parametrize(
    ("name", "before", "after", "complaint"),
    [
        ("study.yaml", "study: cc", "study: c/c", "study.yaml:1:8: study: 'c/c' is not a name"),
        ("study.yaml", "base: base.yaml", "bass: base.yaml", "study.yaml:2:1: unknown key 'bass'; did you mean base?"),
        ("study.yaml", "base.yaml", "none.yaml", "study.yaml:2:7: base: .*none.yaml cannot be read: No such file"),
        ("study.yaml", "cc: [cubic, bbr]", "cc: []", "study.yaml:4:7: values must not be empty"),
        ("study.yaml", "[cubic, bbr]", "[bbr, bbr]", "study.yaml:4:7: values: the level 'bbr' is given twice"),
        ("study.yaml", "cc: [", "server: [", "study.yaml:4:3: 'server' cannot name a factor, as it has a meaning"),
        ("study.yaml", "cc: [", "c-c: [", "study.yaml:4:3: 'c-c' cannot name a factor; write letters"),
        ("study.yaml", "steps: 2", "stops: 2", "study.yaml:7:28: unknown key 'stops'; did you mean steps?"),
        ("study.yaml", "to: 2%, ", "", "study.yaml:7:9: loss: needs either values, or from, to and steps"),
        ("study.yaml", "to: 2%", "to: 2ms", "study.yaml:7:9: loss: '0%' and '2ms' are not two numbers of one kind"),
        ("study.yaml", "steps: 2}", "steps: 2, when: cc > 1}", "study.yaml:7:9: loss: when and otherwise go together"),
        ("study.yaml", "path: slow", "path: {values: [slow], when: loss > 1, otherwise: slow}",
         "study.yaml:6:32: when: 'loss' is no factor that is known here"),
        ("study.yaml", "repetitions: 2", "where: cc = 'bbr'", "study.yaml:8:8: where: \"= 'bbr'\" is not understood"),
        ("study.yaml", "repetitions: 2", "where: loss > cc", "study.yaml:8:8: where: 0% and 'cubic' have no order"),
        ("study.yaml", "repetitions: 2", "repetitions: 0", "study.yaml:8:14: repetitions must be greater"),
        ("study.yaml", "repetitions: 2", "retry: {lat: 2}", "study.yaml:8:8: retry: 'lat' is no verdict to retry; did"),
        ("study.yaml", "repetitions: 2", "zip: [[cc, loss, path]]",
         "study.yaml:8:7: zip: factors that go side by side need as many levels each: cc has 2, .* path has 1"),
        ("study.yaml", "repetitions: 2", "zip: [[cc, los]]", "study.yaml:8:12: 'los' is no factor; did you mean loss"),
        ("study.yaml", "repetitions: 2", "exclude: [{cc: reno}]",
         "study.yaml:8:16: exclude: 'reno' is no level of cc; legal are cubic, bbr"),
        ("study.yaml", "repetitions: 2", "order: random", "study.yaml:8:8: order must be 'shuffled', 'blocked' or"),
        ("study.yaml", "talk:", "walk:", "study.yaml:9:17: metrics: no link has a workload 'walk'; there are: talk"),
        ("study.yaml", "path: slow", "path: slow\n  more: [a, b]",
         "study.yaml:7:3: the factor more changes nothing: base.yaml has no {more} in any value"),
        ("study.yaml", "path: slow", "path: [slow, gone]",
         r"base.yaml:7:15: .*gone.csv cannot be read: No such file or directory \(in the cell cc=cubic .*path=gone"),
        ("study.yaml", "0.5bdp", "0.5bpd",
         r"base.yaml:9:23: capacity: '0.5bpd' is not a .* \(in the cell cc=cubic buffer=0.5bpd .* and 3 more\)"),
        ("base.yaml", "links:", "lynx:", "base.yaml:5:1: unknown key 'lynx'; legal are name, .*socket_stats$"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(folder: Path, name: str, before: str, after: str, complaint: str) -> None:
    """In the study, or in the run spec with the cells that have it; nothing was touched."""
    with pytest.raises(InputError) as caught:
        edit(folder, name, before, after)
    told = str(caught.value).replace(f"{folder}/", "")
    assert any(re.search(complaint, line) for line in told.splitlines()), told


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    """Of the study's own keys, and then of all cells."""
    with pytest.raises(InputError) as caught:
        edit(folder, "study.yaml", "repetitions: 2", "order: any\nrepetitions: none\nwhere: cc =")
    assert ["order", "repetitions", "where"] == [each.text.split()[0].rstrip(":") for each in caught.value.problems]
    (folder / "study.yaml").write_text(STUDY.replace("0.5bdp", "x").replace("slow", "gone"))
    with pytest.raises(InputError) as caught:
        load_study(folder / "study.yaml")
    assert 2 == len(caught.value.problems)


def test_progress_is_told_with_every_cell(folder: Path) -> None:
    """For whoever waits for thousands."""
    told: list[tuple[int, int]] = []
    load_study(folder / "study.yaml", lambda done, total: told.append((done, total)))
    assert [(number, 8) for number in range(1, 9)] == told


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["study.yaml", "base.yaml"]),
    st.integers(0, 400),
    st.integers(0, 12),
    st.text(alphabet="ab {}[]:,'\"%$0159-\n#&*!|>mslopdne=()", max_size=12),
)
def test_whatever_an_author_types_is_a_study_or_is_told_what_is_wrong(
    folder: Path, name: str, at: int, gone: int, typed: str
) -> None:
    """No slip of a finger ends in anything but a sentence with its place."""
    text = {"study.yaml": STUDY, "base.yaml": BASE}[name]
    (folder / name).write_text(text[:at] + typed + text[at + gone :])
    with suppress(InputError):
        assert load_study(folder / "study.yaml").requests
    (folder / name).write_text(text)


def test_what_failures_mean_is_the_run_specs_unless_the_study_says_otherwise(folder: Path) -> None:
    """Retries are the study's to make, so that its journal has each; neither changes what a run is known by."""
    before = load_study(folder / "study.yaml")
    base = edit(folder, "base.yaml", "seed: 99", "seed: 99\nretries: 3\non_failure: cancel")
    assert (3, {0}, {"cancel"}) == (
        base.record.retries,
        {request.retries for request in base.requests.values()},
        {request.on_failure for request in base.requests.values()},
    )
    own = edit(folder, "study.yaml", "repetitions: 2", "repetitions: 2\nretries: 1\non_failure: continue")
    assert (1, {"continue"}) == (own.record.retries, {request.on_failure for request in own.requests.values()})
    assert [*before.requests] == [*base.requests] == [*own.requests]
