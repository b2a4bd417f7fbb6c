"""Scenarios are converted and edited from files or standard input, and every command reads what another writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.common.cli.root_command import root

HEADER = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n"


def plctl(*args: object, stdin: str | None = None) -> Result:
    """What `plctl scenario` with these arguments prints."""
    return CliRunner().invoke(root, ["scenario", *map(str, args)], input=stdin)


def test_converts_what_other_tools_wrote(tmp_path: Path) -> None:
    """Two files for the two directions, options of the format, what they do not say; and what was written is read."""
    for name, text in (("x.up", "7\n10\n"), ("x.down", "6\n10\n")):
        (tmp_path / name).write_text(text)
    out = tmp_path / "out.csv"
    result = plctl("convert", tmp_path / "x.up", tmp_path / "x.down", "-O", "window=5ms", "--delay", "20ms", "-o", out)
    assert 0 == result.exit_code
    rate = 1514 * 8 / 5000
    assert (f"# plctl: repeat 10ms\n{HEADER}0,0,20,0\n5,0,20,{2 * rate}\n") == out.read_text()
    facts = json.loads(plctl("stats", out, "--json").stdout)
    assert (10_000_000, 1, 0.5) == tuple(facts["both"][name] for name in ("duration_ns", "outages", "outage_share"))


def test_edits_in_a_pipe() -> None:
    """Each reads standard input and writes what the next one reads."""
    table = f"{HEADER}0,0,10,8\n1000,1,20,4\n3000,2,30,2\n"
    text = table
    for args in (["cut", "--from", "500ms", "--to", "4s"], ["scale", "--rate", "0.5"], ["shift", "--by", "1s"],
                 ["repeat", "--times", "2"], ["resample", "--step", "500ms"]):  # fmt: skip
        result = plctl(*args, stdin=text)
        assert 0 == result.exit_code, result.output
        text = result.stdout
    assert (
        f"# plctl: end 9000ms\n{HEADER}0,0,10,4\n1500,1,20,2\n3500,2,30,1\n4500,0,10,4\n6000,1,20,2\n8000,2,30,1\n"
        == text
    )


def test_opportunities_in_a_pipe(tmp_path: Path) -> None:
    """Converted, cut, repeated and written for mahimahi again, each stamp is where it was."""
    (tmp_path / "x.trace").write_text("".join(f"{stamp}\n" for stamp in (0, 3, 3, 7, 10)))
    text = plctl("convert", tmp_path / "x.trace", "--from", "mahimahi", "--delay", "0ms").stdout
    for args in (["cut", "--from", "2ms", "--to", "7ms"], ["shift", "--by", "1ms"], ["repeat", "--times", "2"]):
        result = plctl(*args, stdin=text)
        assert 0 == result.exit_code, result.output
        text = result.stdout
    (tmp_path / "x.csv").write_text(text)
    assert "2\n2\n6\n8\n8\n12\n" == plctl("convert", tmp_path / "x.csv", "--to", "mahimahi").stdout
    (tmp_path / "y.csv").write_text(f"{HEADER}0,0,10,8\n")
    (tmp_path / "both.csv").write_text(plctl("merge", f"up={tmp_path}/x.csv", f"down={tmp_path}/y.csv").stdout)
    assert (
        "2\n2\n6\n8\n8\n12\n" == plctl("convert", tmp_path / "both.csv", "--direction", "up", "--to", "mahimahi").stdout
    )
    assert "# plctl: opportunities:up bytes=1500" in (tmp_path / "both.csv").read_text()
    assert "have no mean" in plctl("smooth", tmp_path / "x.csv", "--window", "2s").output


def test_concat_merge_and_smooth(tmp_path: Path) -> None:
    """One after the other; one for each direction; moving means."""
    (tmp_path / "a.csv").write_text(f"{HEADER}0,0,10,8\n1000,0,20,8\n")
    (tmp_path / "b.csv").write_text(f"{HEADER}0,1,30,4\n")
    both = plctl("concat", tmp_path / "a.csv", tmp_path / "b.csv").stdout
    assert f"# plctl: end 3000ms\n{HEADER}0,0,10,8\n1000,0,20,8\n2000,1,30,4\n" == both
    merged = plctl("merge", f"up={tmp_path}/a.csv", f"down={tmp_path}/b.csv").stdout
    assert "Time[ms],RouteID:up,RouteID:down,Delay[ms]:up,Delay[ms]:down,Btldr[Mbps]:up,Btldr[Mbps]:down\n" in merged
    assert "1000,0,16.666667,8" in plctl("smooth", tmp_path / "a.csv", "--window", "2s", "--step", "1s").stdout


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["convert", "a.csv", "--to", "theaterq"],
         "TheaterQ's trace file cannot express an outage (a rate of 0); --lossy leaves it out"),
        (["convert", "a.csv", "--to", "rattan-json"], "this makes 2 files; say where by -o NAME"),
        (["convert", "a.csv", "--from", "pcap"], "there is no format 'pcap'; there are cellreplay"),
        (["convert", "a.csv", "-O", "window"], "'window' is no option of a format; legal is NAME=VALUE"),
        (["cut", "a.csv", "--to", "1h"], "0 ns to 3600 s is no stretch of a scenario of 2 s"),
        (["merge", "a.csv"], "merge needs one file for each direction: up=FILE down=FILE"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(tmp_path: Path, args: list[str], sentence: str) -> None:
    """In a sentence, with status 2."""
    (tmp_path / "a.csv").write_text(f"{HEADER}0,0,10,8\n1000,0,10,0\n")
    result = plctl(*(tmp_path / arg if arg == "a.csv" else arg for arg in args))
    assert 2 == result.exit_code
    assert sentence in result.stderr
