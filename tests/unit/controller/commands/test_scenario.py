"""`plctl scenario check` and `show` say everything at once, for people and for machines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.common.cli.root_command import root
from plctl.common.scenario.readers.opening import open_scenario
from plctl.controller.scenarios.picture import plot_svg

SCENARIOS = Path(__file__).parents[4] / "scenarios"
HANDOVER = SCENARIOS / "handover.csv"
TABLE = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,41.0,80.0\n11000,1,41.2,80.2\n"


def plctl(*arguments: object) -> Result:
    return CliRunner().invoke(root, ["scenario", *map(str, arguments)])


@pytest.fixture(scope="module", autouse=True)
def _fonts_are_open() -> None:
    """Draw once before anything is watched: matplotlib keeps the font files that it opened, a cache and no leak."""
    plot_svg(open_scenario(HANDOVER).scenario, "any")


def test_check_sums_up_good_files() -> None:
    """One line tells rows, length, ranges, route changes and outages."""
    result = plctl("check", HANDOVER)
    summary = "5 rows, 60 s, delay 36.7–41.2 ms, rate 80–101.5 Mbit/s, 1 route change, no outages"
    assert (0, f"{HANDOVER}: ok: {summary}\n") == (result.exit_code, result.stdout)


def test_traces_are_read_as_is_said(tmp_path: Path) -> None:
    """Check and show take the options of a format; a run spec has them of its own."""
    (tmp_path / "lte.trace").write_text("1\n3\n2000\n")
    said = ("--from", "mahimahi", "-O", "delay=20ms")
    for command in ("check", "show"):
        result = plctl(command, tmp_path / "lte.trace", *said)
        assert 0 == result.exit_code, result.output
        assert "delay 20 ms, 3 delivery opportunities (mean rate 12.112–24.224 kbit/s)" in result.stdout
    result = plctl("check", SCENARIOS / "quickstart.yaml", "-O", "delay=20ms")
    assert "is a run spec, which says itself how its scenarios are read" in result.output


def test_check_sums_up_specs_by_scenario() -> None:
    """Of a run spec its links, workloads and distinct scenarios are told."""
    lines = plctl("check", SCENARIOS / "quickstart.yaml").stdout.splitlines()
    assert lines[0].endswith("quickstart.yaml: ok: 1 link, 4 workloads, until the workloads end")
    assert lines[1].startswith("  leo: 8 rows, 20 s, delay 24–44 ms")


@pytest.mark.parametrize("path", sorted(p for p in SCENARIOS.iterdir() if p.suffix in (".csv", ".yaml")), ids=str)
def test_every_scenario_of_ours_is_legal(path: Path) -> None:
    """What we ship passes our own check without a warning; a run spec that a study varies, with the study."""
    studies = {each.name: each.with_name(each.name.replace("-base", "")) for each in SCENARIOS.glob("study*.yaml")}
    if study := studies.get(path.name):
        result = CliRunner().invoke(root, ["study", "check", str(study)])
    else:
        result = plctl("check", path)
    assert (0, "") == (result.exit_code, result.stderr)


def test_check_reports_all_files_and_still_sums_up_good_ones(tmp_path: Path) -> None:
    """A bad file hides neither another bad one nor a good one; the status is 2."""
    (tmp_path / "a.csv").write_text("x\n")
    result = plctl("check", tmp_path / "a.csv", HANDOVER, tmp_path / "b.csv", tmp_path)
    assert 2 == result.exit_code
    assert "handover.csv: ok" in result.stdout
    for sentence in ("a.csv:1:1: unknown column 'x'", "b.csv: cannot be read", f"{tmp_path}: is a directory"):
        assert sentence in result.stderr


LEGAL = "legal is milliseconds from 0 to 3600000 (1 h), e.g. 41.0"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "a.csv: is empty; a scenario begins with the line Time[ms],RouteID,Delay[ms],Btldr[Mbps]"),
        ("a.csv", b"Time[ms],RouteID,Btldr[Mbps]\n0,0,1\n", "a.csv:1:1: the column Delay[ms] is missing; needed are"),
        ("a.csv", TABLE.encode() + b"5,0,1,1\n", "a.csv:4:1: Time[ms]: 5 ms is not after the row before (11 s)"),
        ("a.csv", TABLE.encode() + b"12000,0,NaN,1\n", f"a.csv:4:9: Delay[ms]: 'NaN' is NaN, not a number; {LEGAL}"),
        ("a.csv", TABLE.encode() + b"12000,0,-1,1\n", f"a.csv:4:9: Delay[ms]: '-1' is negative; {LEGAL}"),
        ("a.csv", TABLE.encode() + b"12000,0,slow,1\n", f"a.csv:4:9: Delay[ms]: 'slow' is not a number; {LEGAL}"),
        ("a.yaml", b"link: []\n", "a.yaml:1:1: unknown key 'link'; did you mean links?"),
        ("a.csv", b"\0" * 1000, "a.csv: is not text (byte 1 is NUL); a run spec or scenario is UTF-8 text"),
        ("a.csv", TABLE.encode("latin-1") + b"\xe9\n", "a.csv:4:1: is not UTF-8 text"),
    ],
)
def test_bad_input_has_its_own_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    """Every kind of bad input is told apart, located, and ends with status 2."""
    path = tmp_path / name
    path.write_bytes(content)
    result = plctl("check", path)
    assert (2, True) == (result.exit_code, f"{tmp_path}/{sentence}" in result.stderr)


def test_warnings_go_to_stderr(tmp_path: Path) -> None:
    """A legal file's peculiarity is told, without failing."""
    path = tmp_path / "late.csv"
    path.write_text(TABLE.replace("\n0,", "\n5,"))
    result = plctl("check", path)
    assert 0 == result.exit_code
    assert f"warning: {path}:2:1: the first row is at 5 ms" in result.stderr


def test_check_as_json(tmp_path: Path) -> None:
    """Machines get one document about all files, and the same status."""
    (tmp_path / "a.csv").write_text(TABLE + "5,0,x,1\n")
    result = plctl("check", "--json", HANDOVER, tmp_path / "a.csv")
    good, bad = json.loads(result.stdout)
    assert (2, True, False) == (result.exit_code, good["ok"], bad["ok"])
    assert 101_500_000 == good["scenarios"][0]["down"]["rate_max_bps"]
    assert [(4, 1), (4, 5)] == [(problem["line"], problem["column"]) for problem in bad["problems"]]


def test_show_draws_in_the_terminal() -> None:
    """The plot follows the summary; without a terminal it has no escape sequences."""
    output = plctl("show", HANDOVER).stdout
    assert "handover.csv: one-way delay [ms]" in output
    assert "\x1b" not in output


def test_show_writes_an_svg(tmp_path: Path) -> None:
    """With --svg the picture goes to the file, and its name to stderr."""
    path = tmp_path / "a.svg"
    result = plctl("show", HANDOVER, "--svg", path)
    assert (0, "", f"wrote {path}\n") == (result.exit_code, result.stdout, result.stderr)
    assert path.read_text().startswith("<?xml")


def test_show_writes_one_svg_for_each_scenario_of_a_spec(tmp_path: Path) -> None:
    """Several scenarios do not overwrite each other; links alike share one."""
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text(TABLE.replace("80.0", "70.0"))
    (tmp_path / "s.yaml").write_text("links:\n- {name: x, count: 3, scenario: a.csv}\n- {name: y, scenario: b.csv}\n")
    plctl("show", tmp_path / "s.yaml", "--svg", tmp_path / "p.svg")
    assert ["p-1.svg", "p-2.svg"] == sorted(path.name for path in tmp_path.glob("*.svg"))


def test_show_draws_a_window_of_several_and_standard_input(tmp_path: Path) -> None:
    """From and to are times as of cut; - is what another command wrote; JSON has one entry for each file."""
    (tmp_path / "a.csv").write_text(TABLE)
    output = plctl("show", HANDOVER, tmp_path / "a.csv", "--from", "10s", "--to", "20s").stdout
    assert "handover.csv: one-way delay [ms]" in output
    assert "a.csv: one-way delay [ms]" in output
    made = CliRunner().invoke(root, ["scenario", "show", "-"], input=TABLE)
    assert "standard input: one-way delay [ms]" in made.stdout
    documents = json.loads(plctl("show", HANDOVER, tmp_path / "a.csv", "--json").stdout)
    assert [str(HANDOVER), str(tmp_path / "a.csv")] == [document["file"] for document in documents]


def test_show_writes_several_as_one_picture(tmp_path: Path) -> None:
    """As PNG and SVG at once."""
    (tmp_path / "a.csv").write_text(TABLE)
    result = plctl("show", HANDOVER, tmp_path / "a.csv", "--png", tmp_path / "p.png", "--svg", tmp_path / "p.svg")
    assert f"wrote {tmp_path}/p.svg\nwrote {tmp_path}/p.png\n" == result.stderr
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((HANDOVER, "--from", "2h"), "there is nothing from 7200 s on: the picture ends at 66 s"),
        ((HANDOVER, "--from", "later"), "'later' is not a duration"),
        ((HANDOVER, HANDOVER), "handover.csv is given twice"),
    ],
)
def test_show_says_what_it_cannot_draw(words: tuple[object, ...], sentence: str) -> None:
    """In a sentence, with status 2."""
    result = plctl("show", *words)
    assert 2 == result.exit_code
    assert sentence in result.stderr


def test_show_says_where_it_cannot_write(tmp_path: Path) -> None:
    """A folder that is not there is no traceback."""
    result = plctl("show", HANDOVER, "--svg", tmp_path / "none" / "a.svg")
    assert (1, True) == (result.exit_code, "cannot write" in result.stderr)


def test_check_of_a_table_needs_no_extra() -> None:
    """On a host without the controller's libraries a CSV can be checked, and a picture says what is missing."""
    blocked = ("matplotlib", "plotext", "pydantic", "yaml", "pyarrow", "rich", "numpy")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "from click.testing import CliRunner\nfrom plctl.common.cli.root_command import root\n"
        f"run = lambda *a: CliRunner().invoke(root, ['scenario', *a])\n"
        f"check, show = run('check', {str(HANDOVER)!r}), run('show', {str(HANDOVER)!r})\n"
        "print(check.exit_code, show.exit_code, show.stderr)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.startswith("0 2 error: a plot in the terminal needs plotext, which is not installed here")


def test_the_cellular_drive_is_what_its_generator_makes() -> None:
    """The table in the repository and the script that explains it belong together."""
    script = SCENARIOS / "make_cellular_drive.py"
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    assert (SCENARIOS / "cellular-drive.csv").read_text() == made
