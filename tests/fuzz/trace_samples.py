"""A trace of each format, made from a seed in the way that its authors' tools write it, of any length."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from plctl.common.scenario.readers.opening import GivenFile, read_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.readers.reader import ReadScenario
from plctl.common.scenario.readers.trace_file import TraceFile

_BEGIN = datetime(2024, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    """How traces of one format are made, and what a user says to read one."""

    make: Callable[[random.Random, int], str]  #: its text, of so many rows
    options: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = True  #: lines in another order are a mistake
    by_line: bool = True  #: a row is a line

    def text(self, rows: int = 60, seed: int = 7) -> str:
        """The trace; the same for the same arguments."""
        return self.make(random.Random(seed), rows)


def read_text(reader: str, text: str, options: Mapping[str, str], name: str = "f") -> ReadScenario:
    """What `reader` makes of `text`, where a rate and a delay are added to what it does not say."""
    said = {"rate": "1Mbit/s", "delay": "1ms", **options}
    return read_scenario([GivenFile(TraceFile(name, text))], ReadAs(reader, said))


def _lines(rows: int, line: Callable[[int], str], header: str = "") -> str:
    return "".join(f"{text}\n" for text in ([header] if header else []) + [line(index) for index in range(rows)])


def _plctl(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        delay, rate = draw.uniform(10, 60), draw.uniform(1, 90)
        return f"{index * 250},{draw.randrange(4)},{delay:.3f},{rate:.2f},{index % 3}"

    return _lines(rows, line, "Time[ms],RouteID,Delay[ms],Btldr[Mbps],Loss[%]")


def _mahimahi(draw: random.Random, rows: int) -> str:
    return "".join(f"{stamp}\n" for stamp in sorted(draw.randrange(1, 20 * rows + 2) for _ in range(rows)))


def _leocc(draw: random.Random, rows: int) -> str:
    return "9\n8\n" + _lines(rows, lambda _: str(draw.randrange(15, 70)))


def _netem(draw: random.Random, rows: int) -> str:
    steps = [
        {"StaticBwConfig": {"bw": f"{draw.randrange(1, 90)}Mbps", "duration": f"{draw.randrange(1, 9)}00ms"}}
        for _ in range(rows)
    ]
    return json.dumps({"RepeatedBwPatternConfig": {"pattern": steps, "count": 0}}, indent=1)


def _theaterq(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        keep, latency, jitter = draw.randrange(1000, 10**6), draw.randrange(10**6, 10**8), draw.randrange(10**6)
        loss, rate = draw.randrange(2**30), draw.randrange(10**6, 10**9)
        return f"{keep},{latency},{jitter},{rate},{loss},100,{loss // 2},0,{index // 9 + 1},{index % 3}"

    return _lines(rows, line, "KEEP,LATENCY,JITTER,RATE,LOSS,LIMIT,DUP_PROB,DUP_DELAY,ROUTE_ID,QUEUE_ID")


def _fau(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        delay, deviation, capacity = draw.uniform(9000, 60000), draw.uniform(0, 50), draw.randrange(10**6, 10**8)
        path = f"{draw.randrange(9, 90)},4,0.0{index % 5},{draw.randrange(4)}"
        return f"{index * 200000},{delay:.2f},{deviation:.2f},{capacity}.00,{2 * capacity}.00,{path}"

    return _lines(rows, line, "at,delay,stddev,min_link_cap,max_link_cap,queue_capacity,hops,dropratio,route")


def _hypatia_rtt(draw: random.Random, rows: int) -> str:
    return _lines(rows, lambda i: f"{i * 10**8},{0 if i % 17 == 5 else draw.uniform(5e7, 9e7):.4f}")


def _hypatia_path(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        path = f"1173-{draw.randrange(184, 187)}-{draw.randrange(2)}-1229"
        return f"{index * 3 * 10**9},{'Unreachable' if index % 11 == 4 else path}"

    return _lines(rows, line)


def _leoem(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        if index % 13 == 6:
            return f"{index + 5}$NULL"
        hops = [round(draw.uniform(0.001, 0.009), 6) for _ in range(2)]
        return f"{index + 5}$[-1, {draw.randrange(500, 504)}, -2]$3${hops}${sum(hops):.6f}"

    return _lines(rows, line)


def _cellreplay(draw: random.Random, rows: int) -> str:
    return _lines(rows, lambda i: f"{i * 500} {draw.randrange(18, 60)} 0 {draw.randrange(5)} {draw.randrange(5, 9)}")


def _intel(draw: random.Random, rows: int) -> str:
    entries = []
    for index in range(rows):
        entry: dict[str, str | int] = {"dateTime": (_BEGIN + timedelta(milliseconds=500 * index)).isoformat()}
        every = {"dlBw": 1, "ulBw": 2, "dlLatency": 3, "ulLatency": 4}
        entry |= {key: draw.randrange(500, 90000) for key, step in every.items() if index % step == 0}
        entries.append(entry)
    return json.dumps({"version": 1, "entries": entries}, indent=1)


def _netsatbench(draw: random.Random, rows: int) -> str:
    links = [{"endpoint1": f"sat{n}", "endpoint2": "usr2", "rate": "1mbit"} for n in range(rows)]
    link = {"endpoint1": "usr1", "endpoint2": "sat2", "rate": f"{draw.randrange(9, 90)}mbit"}
    added = [*links, {**link, "loss": 1.5, "delay": "5ms"}]
    return json.dumps({"time": _BEGIN.isoformat(), "links-add": added}, indent=1)


def _irtt(draw: random.Random, rows: int) -> str:
    trips = []
    for index in range(rows):
        trip: dict[str, object] = {"seqno": index, "lost": "true_up" if index % 7 == 3 else "false"}
        if trip["lost"] == "false":
            trip["delay"] = {"rtt": draw.randrange(3 * 10**7, 9 * 10**7)}
        trips.append(trip)
    head = {"version": {"irtt_version": "0.9"}, "config": {"params": {"interval": 10**7}}}
    return json.dumps({**head, "round_trips": trips})


def _lens(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        measured = "0,0,-1" if index % 9 == 2 else f"{draw.uniform(30, 90):.3f},{draw.uniform(9, 20):.2f},21.5"
        return f"{1700000000 + index / 50:.2f},{measured}"

    return _lines(rows, line)


def _leonetem(draw: random.Random, rows: int) -> str:
    return _lines(rows, lambda i: f"{1723489200 + i / 8},{i / 8},{draw.randrange(60, 160)}.0", "timestamp,relative,rtt")


def _errant(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        upload = "NaN" if index % 8 == 1 else draw.randrange(90, 9000)
        return f"{index * 10},x,no,4g,good,{draw.randrange(900, 90000)},{upload},{draw.uniform(20, 90):.1f}"

    return _lines(rows, line, "time(s),operator,country,technology,quality,download,upload,rtt")


def _irish(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        at = (_BEGIN + timedelta(seconds=index // 2)).strftime("%Y.%m.%d_%H.%M.%S")
        ping = "-" if index % 3 else f"{draw.uniform(20, 90):.1f}"
        return f"{at},-8.4,{draw.randrange(90, 90000)},{draw.randrange(9, 9000)},{ping}"

    return _lines(rows, line, "Timestamp,Longitude,DL_bitrate,UL_bitrate,PINGAVG")


def _pensieve(draw: random.Random, rows: int) -> str:
    return _lines(rows, lambda i: f"{i * 0.5 + 0.25:.3f}\t{draw.uniform(0.1, 9):.6f}")


def _ghent(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        return (
            f"{1453121790 + index} {index * 1000 + 7} 51.03 3.73 {draw.randrange(900000)} {draw.randrange(980, 1020)}"
        )

    return _lines(rows, line)


def _wetlinks(rest: str, unit: int) -> Callable[[random.Random, int], str]:
    head = "site_name,timestamp_start,target," + rest

    def make(draw: random.Random, rows: int) -> str:
        def line(index: int) -> str:
            at = (_BEGIN + timedelta(minutes=3 * index)).strftime("%Y-%m-%d %H:%M:%S")
            found = [f"{draw.uniform(30, 90) * unit:.3f}" for _ in rest.split(",")]
            return f"osna,{at},x,{','.join(found if index % 6 != 4 else [''] * len(found))}"

        return _lines(rows, line, head)

    return make


def _table(draw: random.Random, rows: int) -> str:
    def line(index: int) -> str:
        return f"{index},{draw.uniform(20, 90):.2f},{'' if index % 5 == 3 else draw.randrange(99)}"

    return _lines(rows, line, "t,rtt,loss")


SAMPLES: Mapping[str, Sample] = {
    "plctl": Sample(_plctl),
    "mahimahi": Sample(_mahimahi, {"window": "100ms"}),
    "leocc-delay": Sample(_leocc, ordered=False),
    "netem-trace": Sample(_netem, ordered=False, by_line=False),
    "theaterq": Sample(_theaterq, {"limit": "packets"}, ordered=False),
    "fau": Sample(_fau),
    "hypatia-rtt": Sample(_hypatia_rtt),
    "hypatia-path": Sample(_hypatia_path),
    "leoem": Sample(_leoem),
    "cellreplay": Sample(_cellreplay),
    "intel-lpp": Sample(_intel, by_line=False),
    "netsatbench": Sample(_netsatbench, {"pair": "usr1,sat2"}, ordered=False, by_line=False),
    "irtt": Sample(_irtt, by_line=False),
    "table": Sample(_table, {"columns": "time=t[s]; delay=rtt[ms]/2; loss=loss[%]", "gap": "hold"}),
    "lens": Sample(_lens),
    "leonetem": Sample(_leonetem),
    "errant": Sample(_errant),
    "irish-5g": Sample(_irish),
    "pensieve": Sample(_pensieve),
    "ghent-4g": Sample(_ghent),
    "wetlinks-rate": Sample(_wetlinks("download,upload", 10**6)),
    "wetlinks-delay": Sample(_wetlinks("ping_avg", 1)),
}
