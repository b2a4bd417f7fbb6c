"""Spreadsheets and scripts add columns, commas and quotes: what is meant is read, what may be a slip is refused."""

import pytest

from plctl.common.base.errors import InputError
from plctl.common.scenario.readers.opening import parse_scenario
from plctl.common.scenario.readers.reader import ReadScenario
from plctl.common.scenario.schedule import Row

HEADER = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]"
EXPECTED = (Row(0, 0, 41_000_000, 80_000_000), Row(11_000_000_000, 1, 40_500_000, 81_000_000))


def read(text: str) -> ReadScenario:
    return parse_scenario(text, "a.csv")


def refusal(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    "text",
    [
        f"sep=,\r\n{HEADER}\r\n0,0,41,80\r\n11000,1,40.5,81\r\n",
        f'"sep=,"\n{HEADER}\n0,0,41,80\n11000,1,40.5,81\n',
        f"{HEADER},,\n0,0,41,80,,\n11000,1,40.5,81,,\n,,,,,\n",
        f'{HEADER}\n0,0,41,80,,,,\n"","","",""\n11000,1,40.5,81\n',
        f",{HEADER}\n0,0,0,41,80\nb,11000.0,1,40.5,81\n",
        "Time[ms],,RouteID,Delay[ms],Btldr[Mbps]\n0,,0,41,80\n11000,,1,40.5,81\n",
        f'{HEADER}\n"0","0","41.0","80"\n"11,000","1","40.5","81"\n',
    ],
)
def test_reads_what_spreadsheets_and_pandas_write(text: str) -> None:
    """`sep=,`, commas at the end, empty lines and columns, an index without a name and quoted groups change nothing."""
    found = read(text)
    assert (EXPECTED, ()) == (found.scenario.up.rows, found.warnings)


def test_names_the_columns_that_it_ignores() -> None:
    """Whoever keeps a satellite's name beside each row is told, once, that nothing comes of it."""
    found = read(f"{HEADER},Satellite,Elevation[deg]\n0,0,41,80,SAT-1,63\n11000,1,40.5,81,,\n")
    assert EXPECTED == found.scenario.up.rows
    sentence = "a.csv:1:40: the columns 'Satellite', 'Elevation[deg]' are not plctl's and are ignored"
    assert [sentence] == list(map(str, found.warnings))
    assert ["a.csv:1:40: the column 'zzz' is not plctl's and is ignored"] == list(
        map(str, read(f"{HEADER},zzz\n0,0,1,1,1\n").warnings)
    )
    many = ",".join(f"x{n}y" for n in range(9))
    assert "'x4y' and 4 more are" in str(read(f"{HEADER},{many}\n0,0,1,1{',' * 9}\n").warnings[0])


def test_an_ignored_cell_may_hold_anything() -> None:
    """Commas and number signs between quotes belong to the cell."""
    found = read(f'Who,{HEADER}\n"a, #1 ""b""",0,0,41,80\n"",11000,1,40.5,81 # "late"\n')
    assert EXPECTED == found.scenario.up.rows


@pytest.mark.parametrize(
    ("column", "end"),
    [
        ("Dealy[ms]", "unknown column 'Dealy[ms]'; did you mean Delay[ms]?"),
        ("Jiter[ms]", "unknown column 'Jiter[ms]'; did you mean Jitter[ms]?"),
        ("losss[%]:up", "unknown column 'losss[%]:up'; did you mean Loss[%]?"),
        ("Queues[B]", "unknown column 'Queues[B]'; did you mean Queue[B]?"),
        ("Jitter[us]", "'Jitter[us]': Jitter is read in ms only; convert the values and call the column Jitter[ms]"),
        ("Loss", "'Loss': Loss is read in % only; convert the values and call the column Loss[%]"),
        ("Queue (kB)", "'Queue (kB)': Queue is read in B only; convert the values and call the column Queue[B]"),
    ],
)
def test_a_slip_is_not_ignored(column: str, end: str) -> None:
    """What is nearly one of our columns, or one in another unit, would silently change what is emulated."""
    assert [f"a.csv:1:40: {end}"] == refusal(f"{HEADER},{column}\n0,0,1,1,0\n")


def test_a_needed_column_in_another_unit_is_told_once() -> None:
    """A file in seconds, microseconds and kbit/s hears how each column is to be called, and not that it is missing."""
    assert [
        "a.csv:1:1: 'Time [s]': Time is read in ms only; convert the values and call the column Time[ms]",
        "a.csv:1:10: 'Route ID[1]': the column is called RouteID",
        "a.csv:1:22: 'Delay[us]': Delay is read in ms only; convert the values and call the column Delay[ms]",
        "a.csv:1:32: 'Btldr[Kbps]': Btldr is read in Mbps only; convert the values and call the column Btldr[Mbps]",
    ] == refusal("Time [s],Route ID[1],Delay[us],Btldr[Kbps]\n0,0,1,1\n")


def test_an_unknown_column_counts_where_one_is_missing() -> None:
    """If the rate is missing, `Bandwidth` is a mistake and no remark."""
    found = refusal("Time[ms],RouteID,Delay[ms],Bandwidth\n0,0,1,1\n")
    assert ["a.csv:1:1: the column Btldr[Mbps] is missing", "a.csv:1:28: unknown column 'Bandwidth'"] == [
        line.partition(";")[0] for line in found
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{HEADER}\n0,0,1,1,7\n", "a.csv:2:1: has 5 cells where the header has 4: '0,0,1,1,7'"),
        ("Time[ms],,RouteID,Delay[ms],Btldr[Mbps]\n0,7,0,41,80\n",
         "a.csv:2:1: has '7' in column 2, to which the header gives no name"),
        ("sep=;\nTime[ms];RouteID;Delay[ms];Btldr[Mbps]\n0;0;1;1\n",
         "a.csv:1:1: the columns must be separated by commas: Time[ms],RouteID,Delay[ms],Btldr[Mbps]"),
        (f'{HEADER}\n0,0,"41,125",80\n',
         "a.csv:2:5: Delay[ms]: '41,125' is a thousand times as much to some as to others; write 41125 or 41.125"),
        (f'{HEADER}\n0,0,"41,5",80.25\n',
         "a.csv:2:5: Delay[ms]: '41,5' is not a number; legal is milliseconds from 0 to 3600000 (1 h), e.g. 41.0"),
    ],
)  # fmt: skip
def test_refuses_what_may_mean_two_things(text: str, sentence: str) -> None:
    """Cells without a column, other separators, and commas that may be decimal ones."""
    assert [sentence] == refusal(text)


@pytest.mark.parametrize(
    ("cell", "beside", "delay_ns"),
    [("1,000", "80.5", 10**9), ("1,000.5", "80", 1_000_500_000), ("1,000,000", "80", 10**12)],
)
def test_groups_behind_commas(cell: str, beside: str, delay_ns: int) -> None:
    """Where a point is a decimal point, in the number or in the file, a comma before three digits is none."""
    assert delay_ns == read(f'{HEADER}\n0,0,"{cell}",{beside}\n').scenario.up.rows[0].delay_ns


def test_points_between_groups_prove_nothing() -> None:
    """`1.000` may be a thousand where commas are decimal: so it does not explain `41,125`."""
    assert "write 41125 or 41.125" in refusal(f'{HEADER}\n"1.000",0,"41,125","80"\n')[0]
