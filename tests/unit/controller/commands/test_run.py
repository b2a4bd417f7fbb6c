"""The commands that look at runs, on folders here: what they print, and what they end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.synthetic_run import RUN, handover_plan, make_run, plan_record

from plctl.common.cli.root_command import root
from plctl.common.security.enrolment import init_controller
from plctl.controller.launch.again import request_again
from plctl.controller.results.run_reader import read_record

SPEC = """
name: two
duration: 5s
links:
  - {name: leo, count: 2, scenario: a.csv}
"""
CSV = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,8\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one run in runs/, of a good link and a slow one, and a run spec."""
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs", (handover_plan("a"), handover_plan("b")), slow="b").close()
    (tmp_path / "two.yaml").write_text(SPEC)
    (tmp_path / "a.csv").write_text(CSV)
    return tmp_path


def plctl(*arguments: str) -> Result:
    """What the command prints and ends with."""
    return CliRunner().invoke(root, arguments)


@pytest.mark.usefixtures("here")
def test_runs_are_listed_in_plain_columns() -> None:
    """One line a run, and the same for programs."""
    assert [[RUN, "late", "2", "edge-1", "–"]] == [line.split() for line in plctl("runs").stdout.splitlines()[1:]]
    (found,) = json.loads(plctl("runs", "--json").stdout)["runs"]
    assert (RUN, "late", ["edge-1"]) == (found["run"], found["verdict"], found["hosts"])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("word", [[], ["last"], ["7f3a"], [RUN], [f"runs/{RUN}"]])
def test_a_finished_run_is_shown_with_its_verdicts(word: list[str]) -> None:
    """As plctl run showed them, with its exit status, whatever the run is called."""
    result = plctl("show", *word)
    assert 1 == result.exit_code
    assert "  b: frames down left late" in result.stdout
    assert f"results: runs/{RUN}" in result.stdout.replace(str(Path.cwd()) + "/", "")


@pytest.mark.parametrize("word", [[], ["last"], ["7f3a"], [RUN], [f"runs/{RUN}"], [f"runs/{RUN}/"]])
def test_a_report_is_drawn_of_a_run_whatever_it_is_called(
    word: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for plctl show. The run has one link, since each takes a CPU most of a second to draw."""
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs"), (handover_plan("a"),)).close()
    page = Path("runs") / RUN / "report.html"
    page.unlink(missing_ok=True)
    assert (0, str(page)) == ((drawn := plctl("report", *word)).exit_code, drawn.stdout.strip())
    assert page.exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("word", ["last", "7f3a", f"runs/{RUN}"])
def test_packets_are_looked_for_in_a_run_whatever_it_is_called(word: str) -> None:
    """It is found; that no packets were logged is another matter."""
    assert f"were not logged in run {RUN}" in plctl("packets", word, "a").stderr


@pytest.mark.usefixtures("here")
def test_a_run_that_is_not_here_may_be_at_a_controller() -> None:
    """Whoever misses it is told how it comes here."""
    assert "plctl fetch beef" in plctl("report", "beef").stderr


@pytest.mark.usefixtures("here")
def test_a_run_is_planned_again() -> None:
    """Its folder stands for what was asked: links, schedules, seed; what goes with a scenario is refused."""
    again = json.loads(plctl("run", f"runs/{RUN}", "--plan", "--json").stdout)
    assert ["a", "b"] == [each["link"] for each in again["assignments"]]
    for more in (["--queue", "64kB"], ["--also", "b.csv"], ["--", "true"]):
        assert "is a run's folder" in plctl("run", f"runs/{RUN}", "--plan", *more).stderr
    record, request = read_record(Path("runs") / RUN), request_again(Path("runs") / RUN, seed=5, name="n")
    assert (5, "n", record.duration_ns, record.budget) == (
        request.seed, request.name, request.duration_ns, request.budget,
    )  # fmt: skip
    assert [link.plan.up.digest for link in record.links] == [link.plan.up.digest for link in request.links]


@pytest.mark.usefixtures("here")
def test_a_run_again_may_keep_bytes_of_frames() -> None:
    """Of each link, as --capture says; else as it was asked before."""
    kept, as_it_was = (request_again(Path("runs") / RUN, capture_bytes=size).links for size in (64, 0))
    assert [(True, 64)] * 2 == [(link.plan.packets, link.plan.capture_bytes) for link in kept]
    assert [link.plan for link in as_it_was] == [link.asked for link in read_record(Path("runs") / RUN).links]


@pytest.mark.parametrize("text", ["0B", "70kB", "128"])
@pytest.mark.usefixtures("here")
def test_a_capture_that_no_log_can_keep_is_refused(text: str) -> None:
    """Before anything else, with what would be legal."""
    result = plctl("run", "a.csv", "--capture", text)
    assert 2 == result.exit_code
    assert f"{text!r}" in result.stderr
    assert "1B to 65535B" in result.stderr or "64kB" in result.stderr


@pytest.mark.usefixtures("here")
def test_a_run_that_goes_on_is_shown_as_it_is() -> None:
    """Its state is no failure; live figures come from its telemetry."""
    with make_run(Path("on")) as folder:
        folder.record_plan(plan_record((handover_plan(),)))
        result = plctl("show", "--out", "on")
        found = json.loads(plctl("show", "--out", "on", "--json").stdout)
    assert 0 == result.exit_code
    assert result.stdout.startswith(f"{RUN}, handover\npreparing: 1 link (1 waiting)")
    assert ("preparing", None) == (found["info"]["phase"], found["result"])
    assert 5 == found["links"][0]["up"]["row"]


@pytest.mark.usefixtures("here")
def test_events_are_filtered_and_followed_to_the_end() -> None:
    """In plain lines, as one list, or, followed, as a document a line."""
    assert plctl("events").stdout.rstrip().endswith("run.accepted")
    assert [] == json.loads(plctl("events", "--json", "--link", "a").stdout)
    (line,) = plctl("events", "--follow", "--json", "--event", "run.*").stdout.splitlines()
    assert "run.accepted" == json.loads(line)["event"]


@pytest.mark.usefixtures("here")
def test_why_tells_of_one_link() -> None:
    """For people and for programs; a typing error is the user's."""
    assert plctl("why", "b").stdout.startswith(f"b of {RUN} on edge-1: late\nfirst cause: frames down left late")
    assert "late" == json.loads(plctl("why", "b", "--run", "7f3a", "--json").stdout)["verdict"]
    assert 2 == plctl("why", "c").exit_code


@pytest.mark.usefixtures("here")
def test_an_empty_place_is_a_sentence_and_not_a_failure() -> None:
    """A list may be empty; one run that is not there is a mistake."""
    assert ("there is no run in empty yet\n", 0) == (
        (result := plctl("runs", "--out", "empty")).stdout,
        result.exit_code,
    )
    assert 2 == plctl("show", "--out", "empty").exit_code


@pytest.mark.parametrize("command", [["agents"], ["cancel", "last"], ["fetch", "last"]])
def test_what_needs_a_controller_says_how_to_name_one(command: list[str]) -> None:
    """Status 2 and the three ways."""
    result = plctl(*command)
    assert 2 == result.exit_code
    assert "say --controller tcp://HOST:PORT, set PLCTL_CONTROLLER, or write" in result.stderr


@pytest.mark.usefixtures("here")
def test_a_plan_without_a_controller_says_what_links_need_here() -> None:
    """Nothing is touched, so no root is needed and no folder is made."""
    result = plctl("run", "two.yaml", "--plan")
    assert 0 == result.exit_code, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["leo-0", "local"] == rows[1][:2]
    assert ["local", "2"] == rows[-1][:2]
    found = json.loads(plctl("run", "two.yaml", "--plan", "--json").stdout)
    assert ["leo-0", "leo-1"] == [each["link"] for each in found["assignments"]]
    assert [RUN] == [path.name for path in Path("runs").iterdir()]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("option", ["--detach", "--force", "--policy=pack"])
def test_what_only_a_controller_can_do_is_refused_without_one(option: str) -> None:
    """Not ignored: the user thinks there is a controller."""
    result = plctl("run", "two.yaml", option)
    assert 2 == result.exit_code
    assert "are for runs of a controller, and there is none" in result.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--queue", "5x"], "'5x' is not a capacity"),
        (["--budget", "late=1ms"], "'late=1ms' is no budget"),
        (["--socket-stats", "1ms"], "1 ms is out of range"),
        (["--repeat"], "repeats for ever"),
    ],
)
def test_a_bare_run_is_told_what_its_link_is_like(options: list[str], complaint: str) -> None:
    """As plctl link start is; what cannot be meant is refused before anything is touched."""
    fine = ["--queue", "drophead,64kB", "--budget", "skew=2ms", "--socket-stats", "1s", "--overhead", "24"]
    assert 0 == plctl("run", "a.csv", "--plan", "--duration", "5s", "--repeat", *fine).exit_code
    refused = plctl("run", "a.csv", "--plan", *options)
    assert (2, True) == (refused.exit_code, complaint in refused.stderr)


def test_no_report_is_for_runs_on_this_machine(here: Path) -> None:
    """A controller draws every report, so asking it for none is refused before anything is asked of it."""
    init_controller(here / "keys", "ada")
    refused = plctl("run", "two.yaml", "--no-report", "--controller", "tcp://127.0.0.1:9", "--keys", "keys")
    assert (2, True) == (refused.exit_code, "--no-report is for runs with --local" in refused.stderr), refused.stderr
