"""The scenario CSV is read exactly or refused with every mistake located."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import InputError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.readers import plctl_csv
from plctl.common.scenario.readers.opening import open_scenario, parse_scenario
from plctl.common.scenario.readers.reader import ReadScenario
from plctl.common.scenario.schedule import ROW_FIELDS, Row

HEADER = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n"


def read(text: str) -> ReadScenario:
    return parse_scenario(text, "a.csv")


def refusal(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value).splitlines()


def test_reads_phantomlinks_table_exactly() -> None:
    """Milliseconds and Mbit/s become integers without a rounding error; both directions share the rows."""
    found = read(HEADER + "0,0,41.0,80.0\n11000,0,41.2,80.2\n23000,1,37.000001,100.000001\n")
    assert found.scenario.up.rows == (
        Row(0, 0, 41_000_000, 80_000_000),
        Row(11_000_000_000, 0, 41_200_000, 80_200_000),
        Row(23_000_000_000, 1, 37_000_001, 100_000_001),
    )
    assert found.scenario.up is found.scenario.down
    assert () == found.warnings


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "0,0,41,80\n11000,1,40,81\n",
        "time [MS] , routeid,DELAY[ms],btldr[mbps]\r\n0,0,41,80\r\n11000,1,40,81\r\n",
        "Btldr[Mbps],Delay[ms],RouteID,Time[ms]\n80,41,0,0\n81,40,1,11000",
        "# a drive\n\n" + HEADER + "  \n0,0,41,80 # start\n#0,0,1,1\n11 000,1,40,81\n\n",
        HEADER + "0,0,41,80\n11_000,1,4e1,81.\n",
        HEADER + "0,0,41,80\n11\u2009000,1,40.0,+81\n",
        HEADER + "0,0,41,80\n11\u00a0000,1,40.0,81\n",
        HEADER + "-0,0,41,80\n11\u202f000,1.0,40.0,81\n",
        '"Time[ms]","RouteID","Delay[ms]","Btldr[Mbps]"\n"0","0","41","80"\n"11000","1","40","81"\n',
        HEADER.strip() + ",Loss[%],Jitter[ms],Duplicate[%],Corrupt[%]\n0,0,41,80,0,0,,0.0\n11000,1,40,81,0,0,0,0\n",
    ],
)
def test_reads_what_people_write(text: str) -> None:
    """Case, spaces, column order, byte-order mark, CRLF, comments, digit groups and quotes change nothing."""
    rows = read(text.removeprefix("\ufeff")).scenario.up.rows
    assert (Row(0, 0, 41_000_000, 80_000_000), Row(11_000_000_000, 1, 40_000_000, 81_000_000)) == rows


def test_reads_outage_and_unlimited() -> None:
    """Rate 0 stays 0 and `inf` is the unlimited rate."""
    assert [0, RATE_UNLIMITED] == [r.rate_bps for r in read(HEADER + "0,0,1,0\n1,0,1,Inf\n").scenario.up.rows]


def test_reads_directions() -> None:
    """A column of a direction serves that one; the plain column serves the other."""
    text = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]:up,Btldr[Mbps]:down,Delay[ms]:down\n0,7,40,5,50,44\n"
    scenario = read(text).scenario
    assert (Row(0, 7, 40_000_000, 5_000_000),) == scenario.up.rows
    assert (Row(0, 7, 44_000_000, 50_000_000),) == scenario.down.rows


def test_reads_the_queue_or_leaves_it_to_the_plan() -> None:
    """An empty `Queue[B]` cell means the link's own capacity."""
    rows = read(HEADER.strip() + ",Queue[B]\n0,0,1,1,64 000\n1,0,1,1,\n").scenario.up.rows
    assert [64_000, -1] == [row.queue_bytes for row in rows]


def test_warns_of_a_first_row_after_zero() -> None:
    """The first row's values hold from 0, and its author is told."""
    found = read(HEADER + "5,0,1,1\n")
    assert (Row(0, 0, 1_000_000, 1_000_000),) == found.scenario.up.rows
    assert ["a.csv:2:1: the first row is at 5 ms, not at 0; its values hold from 0"] == list(map(str, found.warnings))


@pytest.mark.parametrize(
    ("text", "period_ns"),
    [("0,0,1,1\n", 0), ("0,0,1,1\n7,0,1,1\n", 14_000_000), ("0,0,1,1\n7,0,1,1\n10,0,1,1\n", 13_000_000)],
)
def test_repeats_with_the_last_row_as_long_as_the_one_before(text: str, period_ns: int) -> None:
    """The period of a repeating scenario gives the last row the length of the row before it; one row has none."""
    assert period_ns == parse_scenario(HEADER + text, "a", repeat=True).scenario.up.period_ns


LEGAL_DELAY = "legal is milliseconds from 0 to 3600000 (1 h), e.g. 41.0"
LEGAL_TIME = "legal is milliseconds from 0 to 10 years, e.g. 11000 or 11 000"
LEGAL_RATE = "legal is Mbit/s from 0 (an outage) to 10000000 (10 Tbit/s), e.g. 80.2, or inf"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("0,0,nan,1", f"a.csv:2:5: Delay[ms]: 'nan' is NaN, not a number; {LEGAL_DELAY}"),
        ("0,0, -1,1", f"a.csv:2:6: Delay[ms]: '-1' is negative; {LEGAL_DELAY}"),
        ("0,0,fast,1", f"a.csv:2:5: Delay[ms]: 'fast' is not a number; {LEGAL_DELAY}"),
        ("0,0,1 1,1", f"a.csv:2:5: Delay[ms]: '1 1' is not a number; {LEGAL_DELAY}"),
        ("0,0,inf,1", f"a.csv:2:5: Delay[ms]: 'inf' is not a number; {LEGAL_DELAY}"),
        ("0,0,,1", f"a.csv:2:5: Delay[ms]: the cell is empty; {LEGAL_DELAY}"),
        ("0,0,3600000.1,1", f"a.csv:2:5: Delay[ms]: '3600000.1' is too large; {LEGAL_DELAY}"),
        ("1e300,0,1,1", f"a.csv:2:1: Time[ms]: '1e300' is too large; {LEGAL_TIME}"),
        ("0,0,1,10000001", f"a.csv:2:7: Btldr[Mbps]: '10000001' is too large; {LEGAL_RATE}"),
        ("0,0,1,0.0000001", f"a.csv:2:7: Btldr[Mbps]: '0.0000001' is less than 1 bit/s; {LEGAL_RATE}"),
        ("0,1.5,1,1", "a.csv:2:3: RouteID: '1.5' is not a whole number; legal is a whole number from 0, e.g. 1"),
        ("0,0,1", "a.csv:2:1: has 3 cells where the header has 4: '0,0,1'"),
        ("0,0,1,1\n5,0,1,1\n5,0,1,1", "a.csv:4:1: Time[ms]: 5 ms is not after the row before (5 ms); "
         "times must strictly ascend"),
        ("9,0,1,1\n5,0,1,1", "a.csv:3:1: Time[ms]: 5 ms is not after the row before (9 ms); "
         "times must strictly ascend"),
    ],
)  # fmt: skip
def test_refuses_a_row(row: str, sentence: str) -> None:
    """Every kind of illegal row has its own sentence with place, finding and what is legal."""
    assert [sentence] == refusal(HEADER + row + "\n")


@pytest.mark.parametrize(
    ("column", "cell", "end"),
    [
        ("Loss[%]", "100.1", "is too large; legal is a percentage from 0 to 100, e.g. 0.5"),
        ("Jitter[ms]", "-5", "is negative; legal is milliseconds from 0 to 3600000 (1 h), e.g. 2.5"),
        ("Duplicate[%]", "101", "is too large; legal is a percentage from 0 to 100, e.g. 0.5"),
        ("Corrupt[%]", "-1", "is negative; legal is a percentage from 0 to 100, e.g. 0.5"),
    ],
)
def test_refuses_impairments_that_are_none(column: str, cell: str, end: str) -> None:
    """A share is from 0 to 100 %, a deviation is not negative."""
    assert [f"a.csv:2:9: {column}: '{cell}' {end}"] == refusal(f"{HEADER.strip()},{column}\n0,0,1,1,{cell}\n")


NEEDED = "needed are Time[ms],RouteID,Delay[ms],Btldr[Mbps]"
KINDS = len(ROW_FIELDS)
LEGAL_NAMES = ", ".join(each.file.name for each in ROW_FIELDS)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", ["a.csv: is empty; a scenario begins with the line Time[ms],RouteID,Delay[ms],Btldr[Mbps]"]),
        ("\n# nothing\n", ["a.csv: is empty; a scenario begins with the line Time[ms],RouteID,Delay[ms],Btldr[Mbps]"]),
        (HEADER, ["a.csv: has a header but no rows; at least one is needed, e.g. 0,0,41.0,80.0"]),
        ("Time[ms],RouteID,Delay[ms]\n0,0,1\n", [f"a.csv:1:1: the column Btldr[Mbps] is missing; {NEEDED}"]),
        ("RouteID,Delay[ms],Btldr[Mbps]\n0,1,1\n", [f"a.csv:1:1: the column Time[ms] is missing; {NEEDED}"]),
        ("Time[ms],RouteID,Delay[ms]:up,Btldr[Mbps]\n0,0,1,1\n",
         [f"a.csv:1:1: the column Delay[ms]:down is missing; {NEEDED}"]),
        (HEADER.strip() + ", Dely[ms]\n0,0,1,1,1\n",
         ["a.csv:1:41: unknown column 'Dely[ms]'; did you mean Delay[ms]?"]),
        ("Time[ms],RouteID,Delay[ms],zzz\n0,0,1,1\n",
         [f"a.csv:1:1: the column Btldr[Mbps] is missing; {NEEDED}",
          f"a.csv:1:28: unknown column 'zzz'; legal are {LEGAL_NAMES}"]),
        (HEADER.strip() + ",RouteID\n0,0,1,1,1\n", ["a.csv:1:40: the column 'RouteID' is given twice"]),
        (HEADER.strip() + ",Delay[ms]:left\n0,0,1,1,1\n",
         ["a.csv:1:40: 'Delay[ms]:left': a column's direction is :up or :down"]),
        (HEADER.strip() + ",Time[ms]:up\n0,0,1,1,1\n",
         ["a.csv:1:40: 'Time[ms]:up': Time[ms] serves both directions"]),
        (HEADER.strip() + ",Delay[ms]:up,Delay[ms]:down\n0,0,1,1,1,1\n",
         ["a.csv:1:18: Delay[ms] would never be used, as both directions have a column of their own; remove it"]),
        ("0,0,41.0,80.0\n",
         ["a.csv:1:1: the header is missing; the first line must name the columns: "
          "Time[ms],RouteID,Delay[ms],Btldr[Mbps]"]),
        ("x," * 70 + "x\n", [f"a.csv:1:1: the header has 71 columns; there are only {KINDS} kinds"]),
    ],
)  # fmt: skip
def test_refuses_a_table(text: str, sentences: list[str]) -> None:
    """Every kind of faulty table has its own sentence."""
    assert sentences == refusal(text)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_asks_for_commas(separator: str) -> None:
    """A table separated by anything else is told so, and nothing else."""
    text = (HEADER + "0,0,1,1\n").replace(",", separator)
    assert [f"a.csv:1:1: the columns must be separated by commas: {HEADER.strip()}"] == refusal(text)


def test_reports_everything_at_once() -> None:
    """Mistakes of the header and of every row come together, in the file's order."""
    found = refusal("Time[ms],RouteID,Delay[ms],Rate\n0,x,-1,1\n5,0,1\n0,0,1,1\n")
    assert ["1:1", "1:28", "2:3", "2:5", "3:1", "4:1"] == [":".join(line.split(":")[1:3]) for line in found]


def test_bounds_the_report() -> None:
    """A thousand faulty rows give a short report that counts the rest."""
    found = refusal(HEADER + "".join(f"{t},0,x,1\n" for t in range(1000)))
    assert (51, "… and 950 more") == (len(found), found[-1])


def test_bounds_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table beyond the row limit is refused at the first row too many."""
    monkeypatch.setattr(plctl_csv, "MAX_ROWS", 10)
    text = HEADER + "".join(f"{t},0,1,1\n" for t in range(15))
    assert ["a.csv:12: is beyond the 10 rows that a scenario may have"] == refusal(text)


def test_reads_a_long_table_fast() -> None:
    """100 000 rows of distinct numbers take a few seconds at the very most."""
    text = HEADER + "".join(f"{t * 10},{t // 100},{40 + t % 977 / 100},{80 + t % 1009 / 10}\n" for t in range(100_000))
    begin = time.process_time()
    assert 100_000 == len(read(text).scenario.up.rows)
    assert time.process_time() - begin < 5


def test_reads_from_a_file_and_keeps_its_text(tmp_path: Path) -> None:
    """The text is kept as it was, so that a run can record it."""
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "0,0,1,1\n")
    assert HEADER + "0,0,1,1\n" == open_scenario(path).files[0].text


DECIMAL = st.decimals(0, 10**6, places=6)
TABLE = st.lists(st.tuples(st.integers(0, 2**63 - 1), DECIMAL, DECIMAL), min_size=1, max_size=20)


@given(TABLE, st.lists(st.integers(1, 10**9), min_size=20, max_size=20))
def test_round_trip(table: list[tuple[int, object, object]], steps: list[int]) -> None:
    """Whatever decimals a table is written with are read back as exactly that many nanoseconds and bits."""
    times = [sum(steps[:index]) for index in range(len(table))]
    lines = [f"{time},{route},{delay},{rate}\n" for time, (route, delay, rate) in zip(times, table, strict=True)]
    expected = tuple(
        Row(time * 10**6, route, int(delay * 10**6), int(rate * 10**6))  # type: ignore[operator]
        for time, (route, delay, rate) in zip(times, table, strict=True)
    )
    assert expected == read(HEADER + "".join(lines)).scenario.up.rows


@given(
    st.binary() | st.text().map(str.encode) | st.text('0123456789,.-einaf \n#:"').map(lambda t: (HEADER + t).encode())
)
def test_arbitrary_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """No content of a file raises anything but `InputError`."""
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(data)
    with contextlib.suppress(InputError):
        assert 0 == open_scenario(path).scenario.up.rows[0].time_ns
