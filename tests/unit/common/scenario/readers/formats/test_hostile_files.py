"""Whatever a file holds, each reader reads it or says in located sentences why not, with little memory.

Every test goes through all readers that are installed, so a new one is covered once it has a sample.
"""

from __future__ import annotations

import os
import random
import re
import tracemalloc
from pathlib import Path

import pytest
from fuzz.trace_samples import SAMPLES, read_text

from plctl.common.base.errors import InputError
from plctl.common.scenario.readers.formats import json_text, netem_models, toml_text
from plctl.common.scenario.readers.opening import (
    GivenFile,
    ReadAs,
    installed_reader,
    open_scenario,
    read_scenario,
    reader_names,
)
from plctl.common.scenario.readers.text_lines import LONGEST_LINE, MOST_LINES
from plctl.common.scenario.readers.trace_file import TraceFile

DIGITS = "9" * 5000  # more than Python makes an int of
BIG = "9" * 400
EPOCH = '{"time":"2020-01-01","links-add":[{"endpoint1":"usr1","endpoint2":"sat2",WHAT}]}'
TRIPS = '{"config":{"params":{"interval":9000000000000000000}},"round_trips":[{WHAT}]}'
SENT = f'{{"send":{{"wall":-{BIG}}}}}'
#: What is worth trying with any reader.
ABSURD = {
    "empty": "", "blank": "\n \n\t\n", "no line's end": "1", "digits": f"{DIGITS}\n{DIGITS}\n",
    "digits in cells": f"{DIGITS},{DIGITS}\n{DIGITS},{DIGITS}\n", "1e400": "1e400,1e400\n2e400,2e400\n",
    "1e400 alone": "1e400\n1e401\n", "400 digits": f"{BIG},{BIG}\n{BIG},{BIG}\n", "400 alone": f"{BIG}\n{BIG}\n",
    "int64": "0\n9223372036854775807\n", "int64 in cells": "0,1\n9223372036854775807,9223372036854775807\n",
    "signs": "-1,-1\n+1,+1\n--1,1\n", "not a number": "nan,inf\nNaN,-inf\n", "other digits": "１,２\n٣,٤\n",
    "theaterq, digits": f"{DIGITS},1,1,1,1\n1,{DIGITS},1,1,1\n", "theaterq, ages": "999999999999999,1,1,1,1\n" * 200,
    "theaterq, int64": f"1,1,1,1,1,1,1,{BIG},1,1\n1,9223372036854775808,1,1,1\n",
    "deep lists": "[" * 100_000, "deep mappings": '{"a":' * 100_000, "deep and closed": "[" * 900 + "]" * 900,
    "models, count": '{"RepeatedBwPatternConfig":{"pattern":[],"count":' + DIGITS + "}}",
    "models, for ever": '{"RepeatedBwPatternConfig":{"pattern":[{"StaticBwConfig":{}}],"count":99999999999}}',
    "models, ages": '{"StaticBwConfig":{"bw":"1Mbps","duration":"' + BIG + 's"}}',
    "models, steps": '{"SawtoothBwConfig":{"duration":"1000000000s","step":"1ns"}}',
    "models, share": '{"SawtoothBwConfig":{"duty_ratio":"x"}}',
    "models, 1e400": '{"SawtoothBwConfig":{"duty_ratio":1e400}}',
    "models, seed": '{"NormalizedBwConfig":{"seed":[1],"std_dev":"1Mbps"}}',
    "models, noise": '{"NormalizedBwConfig":{"std_dev":"999999999Tbps"}}',
    "models, types": '{"TraceBwConfig":{"pattern":[["1ms",["1Mbps",5,null,{}]]]}}',
    "models, loss": '{"StaticLossConfig":{"loss":[1e-999999],"duration":"1s"}}',
    "models, true": '{"StaticLossConfig":{"loss":[0.1,true],"duration":"1s"}}',
    "models, huge rate": '{"StaticBwConfig":{"bw":{"gbps":' + "9" * 4000 + ',"bps":1}}}',
    "models, deep value": '{"StaticBwConfig":{"bw":' + "[" * 900 + "]" * 900 + "}}",
    "TOML, deep": "a=" + "[" * 100_000, "TOML, deep mappings": "[StaticBwConfig]\na=" + "{a=" * 2000,
    "TOML, digits": f"[StaticBwConfig]\nbw={DIGITS}", "TOML, key": f"[StaticBwConfig.{'a.' * 50_000}a]\n",
    "TOML, date": "[StaticBwConfig]\nbw=9999-99-99\n", "TOML, 1e400": "[StaticBwConfig]\nbw=1e400\n",
    "TOML, nan": "[StaticLossConfig]\nloss=[nan]\n", "TOML, inf": "[StaticLossConfig]\nloss=[inf]\n",
    "TOML, share": "[SawtoothBwConfig]\nduty_ratio=nan\n",
    "entries, ages": '{"entries":[{"dateTime":"2020-01-01","dlBw":1e400},{"dateTime":"9999-12-31T23:59:59","dlBw":1}]}',
    "entries, far": '{"entries":[{"dateTime":"0001-01-01T00:00+23:59","dlBw":1},{"dateTime":"9999-12-31","dlBw":1}]}',
    "entries, zones": '{"entries":[{"dateTime":"2020-01-01T00:00Z","dlBw":1},{"dateTime":"2020-01-02","dlBw":1}]}',
    "entries, types": '{"entries":[null,1,{"dateTime":1},{"dateTime":"2020-01-01","dlBw":[1]}]}',
    "trips, digits": TRIPS.replace("WHAT", f'"seqno":{BIG},"delay":{{"rtt":{BIG}}}'),
    "trips, times": TRIPS.replace("WHAT", f'"delay":{{"rtt":5}},"timestamps":{{"client":{SENT}}}'),
    "trips, types": '{"round_trips":[{"seqno":true,"lost":[],"delay":{"rtt":5}},[],null]}',
    "epoch, digits": EPOCH.replace("WHAT", f'"rate":"{BIG}tbit"'), "epoch, NaN": EPOCH.replace("WHAT", '"loss":NaN'),
    "epoch, delay": EPOCH.replace("WHAT", f'"delay":"{BIG}s"'),
    "epoch, far": EPOCH.replace("WHAT", '"rate":"1bit"').replace("2020-01-01", "0001-01-01T00:00:00+23:59"),
    "dollars": f"1e400$NULL\n{BIG}$[1]$1$[1]$1\n0$[]$$[]$1e9\n1..2$x\n",
    "fau, large": "at,delay,min_link_cap,queue_capacity\n0,1e18,1,1e15\n1e18,1,1e300,1\n",
    "fau, twice": "at,delay,min_link_cap,at,at\n1,2,3,4,5\n", "blanks": "0 1e300 1\n1e300 1 1\n2 2 2\n",
    "a million columns": f"{','.join(map(str, range(10**6)))}\n{'1,' * 10**6}\n",
    "ours, large": f"Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,{DIGITS},1,1\n1e400,1,1,1\n1e999,1,1e-999,1e-999\n",
    "quotes": '"' * 100_000, "quoted cells": '"a",' * 30_000, "open quote": 'Time[ms],"\n0,"1\n',
    "comments": "#" * 1_000_000, "stamps": "1700000000.5,1e18,41,30\n99999999999,1,1,1\n17e28,1,1,1\n",
    "years": "Timestamp,DL_bitrate,UL_bitrate,PINGAVG\n0001.01.01_00.00.00,1,1,1\n9999.12.31_00.00.00,1,1,1e300\n",
    "hundredths of bytes": "1 0 1 1 1e308 1e-308\n1 1e300 1 1 1 0.0000001\n",
    "iso years": "site_name,timestamp_start,download,upload,ping_avg\n,0001-01-01T00:00+23:59,1,1,1\n,9999-12-31,1,1,1",
    "long cell": f'1,"{"x" * 200_000}"\n2,3\n', "carriage returns": "0,1\r1,2\r\r",
    "other line ends": "0,1\v1,2\x85\u20283,4\n",
    "a mapping": "a: {b: [c, d]}\n", "a word": "true", "markup": "<a>" * 100,
}  # fmt: skip

every_reader = pytest.mark.parametrize("reader", reader_names())


def faults(reader: str, text: str, **options: str) -> InputError | None:
    """What is wrong with `text`; what there is to read keeps the rules of a schedule."""
    try:
        scenario = read_text(reader, text, {**SAMPLES[reader].options, **options}).scenario
    except InputError as error:
        return error
    scenario.up.check()
    scenario.down.check()
    return None


def test_every_reader_has_a_sample() -> None:
    """So that whoever adds a reader adds one."""
    assert set(reader_names()) == set(SAMPLES)


@every_reader
def test_a_sample_is_read_and_recognised(reader: str) -> None:
    """By its own reader, except that any table may be one."""
    text = SAMPLES[reader].text()
    assert faults(reader, text) is None
    assert (reader != "table") == installed_reader(reader).recognises(TraceFile("f", text).sample)


@every_reader
def test_absurd_inputs_are_answered_in_few_words(reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but an InputError of sentences that fit a screen; recognising never fails."""
    monkeypatch.setattr(netem_models, "MAX_ROWS", 1000)  # a million takes seconds
    for what, text in ABSURD.items():
        file = TraceFile("f", text)
        if file.sample:
            installed_reader(reader).recognises(file.sample)
        try:
            error = faults(reader, text)
        except Exception as other:
            pytest.fail(f"{what}: {other!r}")
        if error:
            longest = max(len(problem.text) for problem in error.problems)
            assert longest < 3000, (what, str(error)[:200])
            assert {"f"} == {problem.file for problem in error.problems}


@every_reader
def test_a_truncated_file_is_read_so_far_or_refused_where_it_ends(reader: str) -> None:
    """Of a cut line, as of cut JSON, the line is told."""
    sample = SAMPLES[reader]
    text = sample.text()
    for cut in random.Random(3).sample(range(1, len(text)), 60):
        part = text[:cut]
        error = faults(reader, part)
        last = part.count("\n") + 1
        for problem in error.problems if error else ():
            whole = part.count("\n") <= (2 if reader == "leocc-delay" else 1)  # nothing but a header
            assert whole or problem.line in (last, last - 1), str(error)


@every_reader
def test_lines_in_another_order_are_refused_each_in_its_place(reader: str) -> None:
    """Where time would go backwards; where order has no meaning, everything is read."""
    sample = SAMPLES[reader]
    text = sample.text()
    if not sample.by_line:
        turned = re.sub(r'"dateTime": "2024-06-01T12:00:1', '"dateTime": "2024-06-01T11:00:1', text)
        turned = turned.replace('"seqno": 9,', '"seqno": 3,')
        error = faults(reader, turned)
        assert sample.ordered == bool(error and error.problems[0].line)
        return
    lines = text.splitlines(keepends=True)
    lines[20], lines[30] = lines[30], lines[20]
    error = faults(reader, "".join(lines))
    assert sample.ordered == bool(error)
    if error:
        assert {problem.line for problem in error.problems} <= set(range(21, 32)), str(error)
        assert all(problem.column for problem in error.problems)


@every_reader
def test_a_wrong_cell_is_told_with_its_line_and_column(reader: str) -> None:
    """Every number of a line in turn; one that means nothing to plctl may be anything."""
    sample = SAMPLES[reader]
    if not sample.by_line:
        return
    lines = sample.text().splitlines()
    located = 0
    for number in re.finditer(r"(?<![\w.])[0-9]+(\.[0-9]+)?", lines[23]):
        wrong = f"{lines[23][: number.start()]}1x2{lines[23][number.end() :]}"
        error = faults(reader, "\n".join([*lines[:23], wrong, *lines[24:]]))
        if error:
            assert [24] == [problem.line for problem in error.problems], str(error)
            located += error.problems[0].column == number.start() + 1
    assert located, reader


@every_reader
def test_a_wrong_item_of_json_is_told_with_its_line_and_column(reader: str) -> None:
    """Where the item begins, or the value."""
    sample = SAMPLES[reader]
    lines = sample.text().splitlines() if not sample.by_line else []
    keys = ("dlBw", "rate", "bw")
    number, line = next(
        ((n, line) for n, line in enumerate(lines[30:], 31) if line.split(":")[0].strip(' "') in keys), (0, "")
    )
    if not number:
        return
    lines[number - 1] = re.sub(r": .*?(,?)$", r': "x"\1', line)
    error = faults(reader, "\n".join(lines), pair="sat5,usr2") if "rate" in line else faults(reader, "\n".join(lines))
    assert error is None or 0 < number - error.problems[0].line <= 3 or number == error.problems[0].line


@every_reader
def test_what_is_no_file_of_text_is_refused_at_once(reader: str, tmp_path: Path) -> None:
    """A folder, a named pipe that nobody writes to, an endless device, a missing file, binary, UTF-16."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"1,2\n" + bytes(range(256)) * 9)
    (tmp_path / "latin").write_bytes(SAMPLES[reader].text().encode() + b"\xe9\n")
    (tmp_path / "utf16").write_bytes("0\n1\n".encode("utf-16"))
    for path, sentence in (
        (tmp_path, "is a directory"), (tmp_path / "pipe", "is not a regular file"),
        (Path("/dev/zero"), "is not a regular file"), (tmp_path / "none", "No such file"),
        (tmp_path / "binary", "is not text"), (tmp_path / "utf16", "is UTF-16 text"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=sentence):
            open_scenario(path, ReadAs(reader, SAMPLES[reader].options))
    with pytest.raises(InputError, match=r"latin:\d+:\d+: is (not UTF-8 text|no stamp)|latin:\d+:1: '.*' is no stamp"):
        open_scenario(tmp_path / "latin", ReadAs(reader, SAMPLES[reader].options))


@every_reader
def test_a_gigabyte_is_refused_without_being_held(reader: str, tmp_path: Path) -> None:
    """What is longer than is read is refused at its first piece; what may be so long is read in pieces."""
    path = tmp_path / "big"
    path.write_text(SAMPLES[reader].text(5000))
    os.truncate(path, 2**30)  # behind the sample there is nothing on the disk, and NULs to whoever reads
    tracemalloc.start()
    with pytest.raises(InputError, match=r"is too long: at most|is not text"):
        open_scenario(path, ReadAs(reader, SAMPLES[reader].options))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


SHAPES = {
    "numbers": "0\n", "pairs": "0,1\n", "commas": ",", "blanks": " ", "lines": "\n", "quotes": '"",',
    "words": "1 2 3\n", "lists": "[],", "mappings": '{"a":0},', "zeros": "0,", "dollars": "1$",
    "returns": "\r", "wide": "€\n",
}  # fmt: skip


@every_reader
def test_memory_is_at_most_so_much_for_each_byte(reader: str) -> None:
    """In proportion to the text; what it is for the longest texts, docs/decisions/results/230 says."""
    size = 2**12
    texts = {what: shape * (size // len(shape)) for what, shape in SHAPES.items()}
    sample = SAMPLES[reader]
    texts["sample"] = sample.text(size // (len(sample.text(100)) // 100 + 1))
    texts["JSON"] = '{"entries":[' + '{"a":0},' * (size // 8) + "0]}"
    for what, text in texts.items():
        tracemalloc.start()
        faults(reader, text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 256 * len(text) + 2**20, what


def test_what_would_take_more_memory_or_time_than_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists and values of JSON, TOML beyond a size, too many lines, too long ones, too many mistakes."""
    monkeypatch.setattr(json_text, "MOST_CONTAINERS", 5)
    monkeypatch.setattr(json_text, "MOST_VALUES", 7)
    assert "f: has 6 lists and mappings; at most 5 are read" == str(faults("irtt", "[" * 6))
    assert "f: has 8 values; at most 7 are read" == str(faults("irtt", "," * 8))
    monkeypatch.setattr(toml_text, "LONGEST_TOML", 1000)
    assert "f: is too long: at most 1 kB are read as TOML; JSON may be longer" == str(faults("netem-trace", "a" * 1001))
    assert "f:2:1: has a key of more than 64 parts" in str(faults("netem-trace", "[a]\n" + "a." * 70 + "b = 1"))
    assert f"f:2: is longer than the {LONGEST_LINE}" in str(faults("pensieve", "0 1\n" + "1" * (LONGEST_LINE + 1)))
    monkeypatch.setattr("plctl.common.base.problems.COUNTED", 70)
    error = faults("pensieve", "0 x\n" * 500)
    assert error
    assert 70 == error.more
    monkeypatch.setattr("plctl.common.scenario.readers.text_lines.MOST_LINES", 5)
    assert MOST_LINES > 5
    assert "f:6: is beyond the 5 lines" in str(faults("pensieve", "0 1\n" * 6))


def test_several_files_share_their_limits() -> None:
    """A problem of the second of two files names it."""
    given = [
        GivenFile(TraceFile("a", SAMPLES["leocc-delay"].text())),
        GivenFile(TraceFile("b", "0 1\n1 x\n2 3\n3 4\n")),
    ]
    with pytest.raises(InputError, match="b:2:3: #2 'x' is not a number"):
        read_scenario(given[1:], ReadAs("pensieve"))
    with pytest.raises(InputError, match="b:2:3: #2 'x' is not a number"):
        read_scenario([*given[1:], given[0]], ReadAs("pensieve"))
