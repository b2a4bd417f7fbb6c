"""`plctl scenario make leo` makes scenarios that other commands read, and says what it cannot make."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.inputs.elements import VANGUARD, kuiper_630

from plctl.common.cli.root_command import root

KUIPER = "--shell kuiper-630 --isl grid --from Manila --to Dalian --max-range 1260 --rate 100Mbit/s --step 1s"


def leo(words: str) -> Result:
    """What `plctl scenario make leo` with these words prints."""
    return CliRunner().invoke(root, ["scenario", "make", "leo", *shlex.split(words)])


def test_it_writes_a_scenario_and_what_its_routes_are() -> None:
    """Hypatia's paths from Manila to Dalian: three in 40 s, which change at 18.0 and 27.6 s."""
    result = leo(f"{KUIPER} --duration 40s")
    assert 0 == result.exit_code, result.output
    lines = result.stdout.splitlines()
    assert f"# plctl scenario make leo {KUIPER} --duration 40s" == lines[0]
    assert [
        "# route 0: kuiper-630/5-14 kuiper-630/5-13 kuiper-630/6-13",
        "# route 1: kuiper-630/6-14 kuiper-630/6-13",
        "# route 2: kuiper-630/19-2 kuiper-630/19-3 kuiper-630/19-4 kuiper-630/18-4",
        "# plctl: end 40000ms",
    ] == lines[1:5]
    times = [int(line.split(",")[0]) for line in lines[6:]]
    routes = [int(line.split(",")[1]) for line in lines[6:]]
    assert list(range(0, 40_000, 1000)) == times
    del routes[18]  # the shell's mean motion is Kepler's, and in Hypatia rounded: too close to tell
    assert [0] * 18 + [1] * 9 + [2] * 12 == routes
    stats = CliRunner().invoke(root, ["scenario", "stats", "-", "--json"], input=result.stdout)
    assert 3.0 == json.loads(stats.stdout)["both"]["handovers_per_minute"]


def test_the_same_command_writes_the_same(tmp_path: Path) -> None:
    """From a shell, byte for byte; from Hypatia's file the same rows but for its rounded elements."""
    assert leo(f"{KUIPER} --duration 10s").stdout == leo(f"{KUIPER} --duration 10s").stdout
    path = tmp_path / "kuiper.tle"
    path.write_text(kuiper_630())
    words = KUIPER.replace("--shell kuiper-630", f"--tle {path} --start 2000-01-01T00:00:00Z")
    found = leo(f"{words} --duration 10s")
    assert "" == found.stderr
    shell, file = (
        [float(line.split(",")[2]) for line in text.splitlines() if line[0].isdigit()]
        for text in (leo(f"{KUIPER} --duration 10s").stdout, found.stdout)
    )
    assert shell == pytest.approx(file, abs=0.005)


def test_epoch_and_start_are_said() -> None:
    """A later start is a later part; an epoch moves the satellites over the ground."""
    tables = [
        re.sub("^#.*\n", "", leo(f"{KUIPER} --duration 10s {words}").stdout, flags=re.MULTILINE)
        for words in ("", "--start 2000-01-01T00:00:00", "--start 2000-01-01T00:00:05Z", "--tle-epoch 2000-01-02")
    ]
    assert tables[0] == tables[1]
    assert tables[0].splitlines()[6].split(",")[1:] == tables[2].splitlines()[1].split(",")[1:]
    assert tables[3] not in tables[:3]


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_a_map_is_drawn(tmp_path: Path, suffix: str) -> None:
    """Beside the scenario; the command in its first line does not name it."""
    path = tmp_path / f"map{suffix}"
    result = leo(f"{KUIPER} --duration 10s --map {path}")
    assert f"wrote {path}\n" == result.stderr
    assert f"# plctl scenario make leo {KUIPER} --duration 10s\n" in result.stdout
    assert "Manila → Dalian" in path.read_text()


def test_a_link_budget_makes_the_rate(tmp_path: Path) -> None:
    """By the elevation of the lower link, up and down."""
    path = tmp_path / "budget.csv"
    path.write_text("Elevation[deg],Btldr[Mbps]:up,Btldr[Mbps]:down\n0,0,0\n90,90,900\n")
    result = leo(f"--shell starlink-550 --from Oslo --to Oslo --link-budget {path} --duration 1s --step 1s")
    assert 0 == result.exit_code, result.output
    cells = result.stdout.splitlines()[-1].split(",")
    up, down = float(cells[-2]), float(cells[-1])
    assert 25 < up < 90
    assert pytest.approx(10 * up, rel=1e-6) == down


PLACES = "--from Oslo --to Vienna"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (f"{PLACES} --shell kuiper-630", "say the rate either by --rate or by --link-budget"),
        (f"{PLACES} --rate 1Mbit/s", "say the satellites either by --shell or by --tle"),
        (f"{PLACES} --rate 1Mbit/s --shell mars", "'mars' is no shell; there are starlink-550"),
        ("--from Osloo --to Vienna --rate 1Mbit/s --shell kuiper-630", "did you mean Oslo"),
        (f"{PLACES} --rate 1Mbit/s --shell kuiper-630 --map map.png", "map.png: a map is drawn as .svg or .html"),
        (f"{PLACES} --rate 1Mbit/s --tle FILE", "--tle needs --start, e.g. 2026-11-28T12:00:00Z"),
        (f"{PLACES} --rate 1Mbit/s --tle FILE --start 2000-06-28 --tle-epoch 2000-01-01",
         "--tle-epoch is that of a shell; the elements of a file have their own"),
        (f"{PLACES} --rate 1Mbit/s --tle FILE --start 2000-06-28 --isl grid",
         "does not say which satellites are neighbours: for --isl grid its first line has two numbers"),
        (f"{PLACES} --rate 1Mbit/s --tle FILE --start yesterday", "'yesterday' is no instant; write e.g. 2026-11-28"),
        (f"{PLACES} --rate 1Mbit/s --tle FILE --start 1900-01-01", "is not within 1957 to 2056"),
        (f"{PLACES} --rate 1Mbit/s --tle none.tle --start 2000-06-28", "none.tle: cannot be read: No such file"),
        (f"{PLACES} --rate 1Mbit/s --tle FILE --start 2000-06-28", "there is no path at any time: Oslo has a"),
        (f"{PLACES} --rate 1Mbit/s --shell kuiper-630 --step 1ms --duration 2h", "make the step longer"),
        (f"{PLACES} --rate 1Mbit/s --shell kuiper-630 --reallocate 1ms", "slots last 100 ms or longer"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_said(tmp_path: Path, words: str, sentence: str) -> None:
    """In a sentence, with status 2."""
    path = tmp_path / "one.tle"
    path.write_text("\n".join(VANGUARD))
    result = leo(words.replace("FILE", str(path)))
    assert 2 == result.exit_code
    assert sentence in " ".join(result.stderr.split())


def test_old_elements_are_warned_of(tmp_path: Path) -> None:
    """Vanguard's of June 2000, in September; it is then seen from somewhere."""
    path = tmp_path / "one.tle"
    path.write_text("\n".join(VANGUARD))
    result = leo(f"--tle {path} --start 2000-09-01 --from 0,0 --to 0,0 --min-elevation -10 --rate 1Mbit/s "
                 "--duration 1h --step 10s")  # fmt: skip
    assert "the scenario begins 65 days from the epoch of most elements" in " ".join(result.stderr.split())
