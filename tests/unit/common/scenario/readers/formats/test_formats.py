"""Every format that other tools write is recognised by its content, and read into the rows that its author meant."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest

from plctl.common.base.errors import InputError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.readers.opening import GivenFile, _candidates, read_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.readers.reader import ReadScenario
from plctl.common.scenario.readers.trace_file import TraceFile

MS = 10**6
S = 10**9
REPEATED = """{"RepeatedBwPatternConfig": {"pattern": [
  {"StaticBwConfig": {"bw": "12Mbps", "duration": "1s"}},
  {"StaticBwConfig": {"bw": {"gbps": 1, "bps": 5}, "duration": {"secs": 0, "nanos": 500000000}}}], "count": %d}}"""
TRACE_BW = '{"TraceBwConfig": {"pattern": [["1ms", ["2Mbps", "4Mbps"]], ["2s 500ms", ["8Kbps"]]]}}'
SAWTOOTH = '{"SawtoothBwConfig": {"bottom": "4Mbps", "top": "8Mbps", "interval": "4ms", "duration": "6ms"}}'
DELAY_TOML = '[StaticDelayConfig]\ndelay = "25ms"\nduration = "2s"\n'
THEATERQ = "# comment\nheader\n1000,20000000,1000000,0,100\n2000,30000000,-1,0,50\n"
THEATERQ_LONG = "1000,20000000,0,1000000,0,100,0,0,7\n500,20000000,0,1000000,0,100,0,0,8\n"
FAU = (
    "at,delay,stddev,min_link_cap,max_link_cap,queue_capacity,hops,dropratio,route\n"
    "0,10000,0.00,30000000.00,100000000.00,100,3,0.00,5\n200000,12500.5,0,20000000,100000000,10,3,0,6\n"
)
RTT = "0,76846048.7\n100000000,0\n200000000,76834774\n"
PATH = "0,1173-184-1229\n150000000,Unreachable\n200000000,1173-185-1229\n300000000,1173-184-1229\n"
LEOEM = "1$[-1, 5, -2]$3$[0.001, 0.002]$0.003\n2$NULL\n3$[-1, 6, -2]$3$[0.001, 0.003]$0.004\n"
CELLREPLAY = "0 24 0 2 5\n500 30 0 1\n1000 20 0 0\n"
NTRACE = """{"version": 1, "entries": [
  {"dateTime": "2020-11-10T12:50:03.550+01:00", "dlBw": 36620, "ulBw": 10, "dlLatency": 20000, "ulLatency": 30000},
  {"dateTime": "2020-11-10T12:50:04.550+01:00", "dlBw": 1000}]}"""
EPOCHS = (
    '{"time": "2024-06-01T12:00:10Z", "links-del": [{"endpoint1": "sat2", "endpoint2": "usr1"}]}',
    '{"time": "2024-06-01T12:00:00Z", "links-add": [{"endpoint1": "usr1", "endpoint2": "sat2", "rate": "50mbit",'
    ' "loss": 0, "delay": "5ms"}, {"endpoint1": "a", "endpoint2": "b", "rate": "1mbit"}]}',
    '{"time": "2024-06-01T12:00:20Z", "links-add": [{"endpoint1": "usr1", "endpoint2": "sat2", "rate": "1gbit"}]}',
)
IRTT = """{"version": {"irtt_version": "0.9.0"}, "config": {"params": {"interval": 10000000}}, "round_trips": [
  {"seqno": 0, "lost": "false", "delay": {"rtt": 40000000}}, {"seqno": 1, "lost": "true_down"},
  {"seqno": 2, "lost": "false", "delay": {"rtt": 50000000}}]}"""
IRISH = (
    "Timestamp,Longitude,DL_bitrate,UL_bitrate,PINGAVG\n2019.12.16_13.40.04,1,8000,100,-\n"
    "2019.12.16_13.40.04,1,9000,-,40\n2019.12.16_13.40.06,1,10,5,50.5\n"
)
ERRANT = (
    "time(s),operator,country,technology,quality,download,upload,rtt\n"
    "0,x,no,4g,good,20000,5000,40\n10,x,no,4g,bad,NaN,400,80\n"
)
LENS = "1700000000.5,40.1,41,30\n1700000000.6,0,0,-1\n1700000000.7,50,41,30\n"
LEONETEM = "timestamp,relative,rtt\n1723489200.1,0.0,144.0\n1723489200.2,0.028640031814575195,155.0\n"
PENSIEVE = "0.5 4.03\n1.5 2\n"
GHENT = "1453 7000 50.1 3.7 125000 1000\n1454 8000 50.1 3.7 250000 500\n"
WETLINKS = (
    "site_name,timestamp_start,timestamp_end,server,ip_protocol,transport_protocol,download,upload\n"
    "osna,2023-09-14 15:12:00,2023-09-14 15:12:01,s,4,tcp,1e8,\nosna,2023-09-14 15:12:01.5,x,s,4,tcp,2e8,5e6\n"
)
WETLINKS_PING = (
    "site_name,timestamp_start,target,packet_loss,ping_avg\n"
    "a,2023-09-14T15:12:00Z,x,0,50\na,2023-09-14T15:13:00Z,x,9,60\n"
)


def read(*texts: str, reader: str = "", **options: str) -> ReadScenario:
    """The scenario of files with these texts."""
    given = [GivenFile(TraceFile(f"file{number}", text)) for number, text in enumerate(texts)]
    return read_scenario(given, ReadAs(reader, options))


def rows(found: ReadScenario, way: str = "up") -> list[tuple[int, int, int, int]]:
    """Time, route, delay and rate of the rows of one direction."""
    schedule = getattr(found.scenario, way)
    return [(row.time_ns, row.route, row.delay_ns, row.rate_bps) for row in schedule.rows]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0\n1\n1\n2\n", "mahimahi"), ("12\n9\n10\n", "leocc-delay"), (REPEATED % 0, "netem-trace"),
        (DELAY_TOML, "netem-trace"), (THEATERQ, "theaterq"), (THEATERQ_LONG, "theaterq"), (FAU, "fau"),
        (RTT, "hypatia-rtt"), (PATH, "hypatia-path"), (LEOEM, "leoem"), (CELLREPLAY, "cellreplay"),
        (NTRACE, "intel-lpp"), (EPOCHS[0], "netsatbench"), (IRTT, "irtt"), (IRISH, "irish-5g"), (ERRANT, "errant"),
        (LENS, "lens"), (LEONETEM, "leonetem"), (PENSIEVE, "pensieve"), (GHENT, "ghent-4g"),
        (WETLINKS, "wetlinks-rate"), (WETLINKS_PING, "wetlinks-delay"),
        ("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,41,80\n", "plctl"),
    ],
)  # fmt: skip
def test_a_format_is_recognised_by_its_content(text: str, name: str) -> None:
    """By that reader and by no other."""
    assert [name] == _candidates(TraceFile("x", text))


@pytest.mark.parametrize(
    "text",
    ["0,0,41.0,80.0\n1,0,41.0,80.0\n", "0,0,41,80\n", "links:\n  - {name: a, scenario: a.csv}\n", "{name: x}", ""],
)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    """Our own files without a header, and run specs, are none of these."""
    assert [] == _candidates(TraceFile("x", text))


def test_mahimahi_in_windows() -> None:
    """Each opportunity is worth a full frame, and counts to the window that it lies in or ends; the last ends it."""
    found = read("1\n1\n5\n12\n20\n", window="10ms", delay="20ms")
    assert [(0, 0, 20 * MS, 3 * 1514 * 800), (10 * MS, 0, 20 * MS, 2 * 1514 * 800)] == rows(found)
    assert (20 * MS, 20 * MS) == (found.scenario.end_ns, found.scenario.up.period_ns)


def test_mahimahi_stays_exact() -> None:
    """Each stamp is an opportunity, which are repeated by adding the last; the rows have their mean rate."""
    found = read("1\n1\n5\n1200\n2000\n", delay="20ms").scenario.up
    assert found.opportunities is not None
    assert [at * MS for at in (1, 1, 5, 1200, 2000)] == [*chain(*found.opportunities.pieces())]
    assert (2000 * MS, 1500) == (found.opportunities.period_ns, found.opportunities.worth_bytes)
    assert [(0, 3 * 1514 * 8), (S, 2 * 1514 * 8)] == [(row.time_ns, row.rate_bps) for row in found.rows]
    again = [at * MS for at in (2001, 2001, 2005, 3200, 4000, 4001, 4001)]
    assert again == [*chain(*found.opportunities.within(2 * S, 4001 * MS))], "to the nanosecond"


def test_a_long_trace_is_read_in_pieces(tmp_path: Path) -> None:
    """Half a million stamps never lie in memory as numbers: what is kept is a byte each."""
    path = tmp_path / "long.trace"
    path.write_text("".join(f"{at}\n" for at in range(1, 500_001)))
    tracemalloc.start()
    try:
        found = read_scenario([GivenFile(TraceFile.at(path))], ReadAs("mahimahi", {"delay": "0ms"})).scenario.up
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.opportunities == Opportunities(b"\x01" * 500_000, MS, 500 * S)
    assert peak < 10 * 500_000


def test_an_even_trace_has_an_even_rate() -> None:
    """One a millisecond, also at the ends of windows."""
    text = "".join(f"{at}\n" for at in range(1, 31))
    found = read(text, window="10ms", delay="0ms").scenario.up
    assert [12_112_000] == list(dict.fromkeys(found.column("rate_bps")))


def test_how_opportunities_serve_can_be_said() -> None:
    """By a window of its own, by their rate, and worth other than 1500 bytes."""
    text = "1\n1\n5\n12\n20\n"
    windowed = read(text, delay="0ms", service="opportunities", window="10ms").scenario.up
    assert ([3 * 1514 * 800, 2 * 1514 * 800], 5) == ([*windowed.column("rate_bps")], windowed.facts.opportunities)
    assert read(text, delay="0ms", service="rate", window="10ms").scenario.up == windowed.served_by(None)
    worth = read(text, delay="0ms", bytes="750").scenario.up
    assert worth.opportunities is not None
    assert (750, 5 * 757 * 8 * 50) == (worth.opportunities.worth_bytes, worth.rows[0].rate_bps)
    for options, words in (
        ({"service": "both"}, "legal is opportunities or rate"),
        ({"bytes": "0"}, "legal is a whole number of bytes from 1"),
    ):
        with pytest.raises(InputError, match=words):
            read(text, delay="0ms", **options)


def test_what_has_no_opportunities_says_so() -> None:
    """Where they are asked for, or what they are worth."""
    ours = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,41,80\n"
    assert not read(ours, service="rate").scenario.up.opportunities
    with pytest.raises(InputError, match="has no delivery opportunities; it is served by its rates"):
        read(ours, service="opportunities")
    with pytest.raises(InputError, match="has no delivery opportunities that could be worth some bytes"):
        read(ours, bytes="1400")


def test_opportunities_beside_other_files() -> None:
    """Delays of another file are merged into their rows; outages of one cannot stop them."""
    joined = read("5\n15\n", "12\n9\n10\n").scenario.up
    assert joined.opportunities is not None
    assert (15 * MS, [12 * MS, 9 * MS, 10 * MS]) == (joined.opportunities.period_ns, [*joined.column("delay_ns")])
    with pytest.raises(InputError, match="which the other file's outages cannot stop; add service=rate"):
        read("5\n15\n", RTT)
    assert 0 in read("5\n15\n", RTT, service="rate").scenario.up.column("rate_bps")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n2\n\n3\n", "file0:3:1: is blank"), ("1\n2\nx\n", "file0:3:1: 'x' is no stamp"),
        ("1\n5\n4\n", "file0:3:1: stamp 4 is less than the one before, 5"), ("0\n0\n", "no stamp after 0"),
        ("1\n999999999999999\n", "file0:2:1: stamp 999999999999999 is later than"), ("-1\n1\n", "stamp -1"),
        ("1\n" + "9" * 200 + "\n", "file0:2"),
    ],
)  # fmt: skip
def test_what_is_no_mahimahi_trace(text: str, words: str) -> None:
    """The line, what was found and what is legal."""
    with pytest.raises(InputError, match=words):
        read(text, reader="mahimahi", delay="0ms")


def test_stamps_as_others_write_them() -> None:
    """With carriage returns, leading zeros, and without a newline at the end."""
    for text in ("1\r\n12\r\n", "01\n012\n", "1\n12"):
        found = read(text, reader="mahimahi", delay="0ms").scenario.up.opportunities
        assert found is not None
        assert [MS, 12 * MS] == [*chain(*found.pieces())]


def test_delays_of_leocc_beside_its_rates() -> None:
    """Two files make one scenario; the shorter one begins again until the longer one ends."""
    found = read("5\n15\n", "12\n9\n10\n", window="15ms")
    rate = round(2 * 1514 * 8 * S / (15 * MS))
    assert [(0, 0, 12 * MS, rate), (10 * MS, 0, 9 * MS, rate), (20 * MS, 0, 10 * MS, rate)] == rows(found)
    assert 30 * MS == found.scenario.up.period_ns
    grid = read("12\n9\n10\n", rate="1Mbit/s", step="10s", grid="15s")
    assert [0, 0, 1] == [route for _, route, _, _ in rows(grid)]


def test_files_of_a_pair_that_are_not_of_one_length_are_warned_of() -> None:
    """As each begins again by itself, they drift apart: the sentence says from when on, and both lengths."""
    (warning,) = read("5\n15\n", "12\n9\n10\n").warnings
    assert "begins again after 15 ms, " in str(warning)
    assert "after 30 ms, each by itself: after 15 ms they no longer fit together" in str(warning)
    assert () == read("5\n30\n", "12\n9\n10\n").warnings
    assert () == read("5\n15\n", delay="0ms").warnings


def test_traces_of_two_directions_may_be_of_two_lengths() -> None:
    """Each direction begins again by itself, as it does in mahimahi: nothing that fits together comes apart."""
    up, down = (GivenFile(TraceFile(way, text), way) for way, text in (("up", "5\n15\n"), ("down", "5\n16\n")))
    assert () == read_scenario([up, down], ReadAs(options={"delay": "1ms"})).warnings


def test_patterns_of_netem_trace() -> None:
    """Count 0 repeats for ever, count 2 is written out; human and machine forms mean the same."""
    forever = read(REPEATED % 0, delay="1ms")
    assert [(0, 0, MS, 12 * MS), (S, 0, MS, S + 5)] == rows(forever)
    assert 1500 * MS == forever.scenario.up.period_ns
    twice = read(REPEATED % 2, delay="1ms").scenario
    assert ([0, S, 1500 * MS, 2500 * MS], 0, 3 * S) == (
        list(twice.up.column("time_ns")), twice.up.period_ns, twice.end_ns)  # fmt: skip
    compact = read(TRACE_BW, delay="0ms")
    assert [(0, 2 * MS), (MS, 4 * MS), (2 * MS, 8000)] == [(at, rate) for at, _, _, rate in rows(compact)]
    assert 2502 * MS == compact.scenario.end_ns
    tooth = read(SAWTOOTH, delay="0ms")
    assert [4, 6, 8, 6, 4, 6] == [Decimal(rate) / MS for _, _, _, rate in rows(tooth)]
    assert [(0, 0, 25 * MS, 9)] == rows(read(DELAY_TOML, rate="9bit/s"))


def test_theaterq() -> None:
    """Durations add up; −1 is unlimited; RouteIDs are kept; LIMIT is read if it is said what it counts."""
    found = read(THEATERQ)
    assert [(0, 0, 20 * MS, MS), (MS, 0, 30 * MS, RATE_UNLIMITED)] == rows(found)
    assert 3 * MS == found.scenario.end_ns
    assert [7, 8] == [route for _, route, _, _ in rows(read(THEATERQ_LONG))]
    assert [151_400, 75_700] == list(read(THEATERQ, limit="packets").scenario.up.column("queue_bytes"))


def test_fau_and_hypatia() -> None:
    """The rate is the smallest link's; half of a round trip is the delay; no path is an outage in either file."""
    assert [(0, 0, 10 * MS, 30 * MS), (200 * MS, 1, 12_500_500, 20 * MS)] == rows(read(FAU))
    jittery = read(FAU.replace("0.00,300", "5.00,300").replace(",3,0,6", ",3,0.25,6")).scenario.up
    assert ([5000, 0], [0, 250_000_000]) == (list(jittery.column("jitter_ns")), list(jittery.column("loss_ppb")))
    found = read(RTT, PATH, rate="8bit/s")
    assert [
        (0, 0, 38_423_024, 8), (100 * MS, 0, 38_423_024, 0),
        (200 * MS, 1, 38_417_387, 8), (300 * MS, 0, 38_417_387, 8),
    ] == rows(found)  # fmt: skip


def test_leoem_and_cellreplay() -> None:
    """A changed path is a new route, none is an outage; a light trace is its base delay, and its reader says so."""
    assert [(0, 0, 3 * MS, 8), (S, 0, 3 * MS, 0), (2 * S, 1, 4 * MS, 8)] == rows(read(LEOEM, rate="8bit/s"))
    found = read(CELLREPLAY, rate="8bit/s")
    assert [24, 30, 20] == [delay // MS for _, _, delay, _ in rows(found)]
    assert "only its base delay is read" in str(found.warnings[0])


def test_intel_lpp() -> None:
    """Each direction has its own; what an entry does not say holds on."""
    found = read(NTRACE)
    assert [(0, 0, 30 * MS, 10_000)] == rows(found)
    assert [(0, 0, 20 * MS, 36_620_000), (S, 0, 20 * MS, MS)] == rows(found, "down")
    with pytest.raises(InputError, match=r"file0: does not say the delay up; add delay, e.g. delay=20ms"):
        read(NTRACE.replace("ulLatency", "other"))


def test_epochs_of_netsatbench() -> None:
    """Files in any order are one scenario of one pair; a link that is gone is an outage; what is not said stays."""
    found = read(*EPOCHS, pair="usr1,sat2")
    assert [(0, 0, 5 * MS, 50 * MS), (10 * S, 0, 5 * MS, 0), (20 * S, 0, 5 * MS, S)] == rows(found)
    with pytest.raises(InputError, match=r"has links of 2 pairs; say which by pair=, e.g. one of: a,b sat2,usr1"):
        read(EPOCHS[1])


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ("hold", [(0, 20 * MS, 8), (20 * MS, 25 * MS, 8)]),
        ("outage", [(0, 20 * MS, 8), (10 * MS, 20 * MS, 0), (20 * MS, 25 * MS, 8)]),
        ("interpolate:5ms", [(5 * MS * i, 20 * MS + i * 1_250_000, 8) for i in range(5)]),
    ],
)
def test_a_lost_round_trip_is_never_a_delay_of_0(gap: str, expected: list[tuple[int, int, int]]) -> None:
    """The one before holds, or the path is out, or values lie on a line between their neighbours."""
    found = read(IRTT, rate="8bit/s", gap=gap)
    assert expected == [(at, delay, rate) for at, _, delay, rate in rows(found)]


def test_published_layouts() -> None:
    """Each preset's units, times, missing values and repeated stamps."""
    irish = read(IRISH)
    assert [(0, 20 * MS, 9 * MS), (2 * S, 25_250_000, 10_000)] == [(t, d, r) for t, _, d, r in rows(irish, "down")]
    assert [100_000, 5000] == [rate for _, _, _, rate in rows(irish)]
    assert "is what was measured" in str(irish.warnings[0])
    assert [20 * MS, 20 * MS] == [rate for _, _, _, rate in rows(read(ERRANT), "down")]
    assert [(0, 20_050_000), (200 * MS, 25 * MS)] == [(t, d) for t, _, d, _ in rows(read(LENS, rate="1Mbit/s"))]
    assert [(0, 72 * MS), (28_640_032, 77_500_000)] == [(t, d) for t, _, d, _ in rows(read(LEONETEM, rate="1Mbit/s"))]
    assert [(0, 4_030_000), (S, 2 * MS)] == [(t, r) for t, _, _, r in rows(read(PENSIEVE, delay="9ms"))]
    assert [(0, MS), (S, 4 * MS)] == [(t, r) for t, _, _, r in rows(read(GHENT, delay="9ms"))]
    found = read(WETLINKS, delay="9ms")
    assert [(0, 10**8), (1500 * MS, 2 * 10**8)] == [(t, r) for t, _, _, r in rows(found, "down")]
    assert [(0, 5 * MS)] == [(t, r) for t, _, _, r in rows(found)][:1]
    assert [25 * MS, 30 * MS] == [delay for _, _, delay, _ in rows(read(WETLINKS_PING, rate="1Mbit/s"))]


def test_a_table_of_the_users_own() -> None:
    """Names or numbers of columns, factors, a rate of two columns, a direction, words for what is missing."""
    text = "t;up kB;ms;rtt\n0;125;1000;20\n1;250;500;x\n1;1;0;40\n"
    columns = 'time=t[s]; rate:up="up kB"[kB]/ms[ms]; rate:down=#2[kB/s]*2; delay=rtt[ms]/2'
    found = read(text, reader="table", columns=columns, missing="x", repeated="most")
    assert [(0, 10 * MS, MS), (S, 20 * MS, 4 * MS)] == [(t, d, r) for t, _, d, r in rows(found)]
    assert [2 * MS, 4 * MS] == [rate for _, _, _, rate in rows(found, "down")]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("delay=a[ms]", "exactly one column is the time"), ("time=a[s]", "a time alone says nothing"),
        ("time=a[s];dely=b[ms]", "'dely' is no field of a path; did you mean delay?"),
        ("time=a[s];delay=b", "b is without a unit; units of the delay are ns"),
        ("time=a[s];delay=b[furlong]", "b is in 'furlong'"), ("time=a[s];delay=b[ms]/0", "divided by 0"),
        ("time=a[s];delay:left=b[ms]", "a direction is up or down"),
        ("time=a[s];delay=b[ms]/c[ms]", "only a rate can be of two columns"),
        ("time=a[s];delay=zz[ms]", "file0:1:1: has no column 'zz'; legal are a, b"),
        ("gibberish", "'gibberish' is not FIELD=COLUMN"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_columns_is_said(columns: str, sentence: str) -> None:
    """Where it stands, and what is legal."""
    with pytest.raises(InputError) as caught:
        read("a,b\n0,1\n", reader="table", columns=columns, rate="1Mbit/s")
    assert sentence in str(caught.value)


def test_files_that_contradict_each_other_are_refused() -> None:
    """Two that say the same; and an option that no format has."""
    with pytest.raises(InputError, match="file0, file1: both say the delay: file0 and file1; give one of them"):
        read("12\n9\n", "8\n7\n", rate="1Mbit/s")
    with pytest.raises(InputError, match="file0: is not read with an option 'windw'; did you mean window"):
        read("1\n2\n", windw="1ms")
    with pytest.raises(InputError, match=r"file0: does not say the rate; add rate, e.g. rate=50Mbit/s"):
        read("12\n9\n")
