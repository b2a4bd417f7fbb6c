"""At ten random instants of a trace of each format, what plctl reads is what stands in the file.

What stands there is worked out here in a few lines for each format, without any reader. The traces are look-alikes from
a seed; a folder of real ones, with a subfolder for each tool, may be named in PLCTL_TRACES.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest
from fuzz.trace_samples import SAMPLES, read_text

from plctl.common.scenario.readers.opening import reader_names
from plctl.common.scenario.schedule import Scenario

#: What holds from when on, in s: fields as in `Row`, in s, bit/s and shares; RouteIDs as whatever tells paths apart.
Said = list[tuple[Fraction, dict[str, object]]]
TOLERANCE = {"delay_ns": (10**9, 1), "rate_bps": (1, 1), "jitter_ns": (10**9, 1), "loss_ppb": (10**9, 1),
             "duplicate_ppb": (10**9, 1), "queue_bytes": (1, 0), "queue_id": (1, 0)}  # fmt: skip
F = Fraction


def table(text: str, separator: str | None = ",") -> list[list[str]]:
    """The cells of each line."""
    return [[cell.strip() for cell in line.split(separator)] for line in text.splitlines() if line.strip()]


def named(text: str) -> list[dict[str, str]]:
    """The cells of each line by the header's names."""
    header, *rows = table(text)
    return [dict(zip(header, row, strict=True)) for row in rows]


def when(word: str, form: str = "") -> Fraction:
    """Seconds since some day."""
    at = datetime.strptime(word, form) if form else datetime.fromisoformat(word)
    since = at.replace(tzinfo=None) - datetime(2000, 1, 1)
    return F(since.days * 86400 + since.seconds) + F(since.microseconds, 10**6)


def from_first(said: Said) -> Said:
    """The same with times that begin at 0."""
    return [(at - said[0][0], each) for at, each in said]


def ours(text: str) -> Said:
    return [(F(row["Time[ms]"]) / 1000,
             {"route": row["RouteID"],
              "delay_ns": F(row["Delay[ms]"]) / 1000, "rate_bps": F(row["Btldr[Mbps]"]) * 10**6,
              "loss_ppb": F(row["Loss[%]"]) / 100}) for row in named(text)]  # fmt: skip


def windows(text: str) -> Said:
    stamps = [int(line) for line in text.split()]
    said: Said = []
    for begin in range(0, stamps[-1], 100):
        end = min(begin + 100, stamps[-1])
        within = sum(begin < stamp <= end or stamp == begin == 0 for stamp in stamps)
        said.append((F(begin, 1000), {"rate_bps": F(within * 1514 * 8 * 1000, end - begin)}))
    return said


def netem(text: str) -> Said:
    said, at = [], F(0)
    for step in json.loads(text)["RepeatedBwPatternConfig"]["pattern"]:
        static = step["StaticBwConfig"]
        said.append((at, {"rate_bps": F(static["bw"].removesuffix("Mbps")) * 10**6}))
        at += F(static["duration"].removesuffix("ms")) / 1000
    return said


def theaterq(text: str) -> Said:
    said, at = [], F(0)
    for row in named(text):
        said.append((at, {
            "route": row["ROUTE_ID"], "delay_ns": F(row["LATENCY"]) / 10**9, "jitter_ns": F(row["JITTER"]) / 10**9,
            "rate_bps": F(row["RATE"]), "loss_ppb": F(row["LOSS"]) / (2**32 - 1), "queue_bytes": F(row["LIMIT"]) * 1514,
            "duplicate_ppb": F(row["DUP_PROB"]) / (2**32 - 1), "queue_id": F(row["QUEUE_ID"])}))  # fmt: skip
        at += F(row["KEEP"]) / 10**6
    return said


def fau(text: str) -> Said:
    return [(F(row["at"]) / 10**6, {
        "delay_ns": F(row["delay"]) / 10**6, "jitter_ns": F(row["stddev"]) / 10**6, "rate_bps": F(row["min_link_cap"]),
        "loss_ppb": F(row["dropratio"]), "route": row.get("route", row.get("route_id")),
        "queue_bytes": F(row["queue_capacity"]) * 1514}) for row in named(text)]  # fmt: skip


def hypatia_rtt(text: str) -> Said:
    said: Said = []
    for time, rtt in table(text):
        gone = F(rtt) == 0
        delay = said[-1][1]["delay_ns"] if gone and said else F(rtt) / 2 / 10**9
        said.append((F(time) / 10**9, {"delay_ns": delay, "rate_bps": F(0 if gone else 10**6)}))
    return said


def hypatia_path(text: str) -> Said:
    said: Said = []
    for time, path in table(text):
        gone = path == "Unreachable"
        said.append((F(time) / 10**9, {"rate_bps": F(0 if gone else 10**6), **({} if gone else {"route": path})}))
    return said


def leoem(text: str) -> Said:
    said: Said = []
    for cells in table(text, "$"):
        alive = {"delay_ns": F(cells[-1]), "route": cells[1], "rate_bps": F(10**6)} if cells[1] != "NULL" else {}
        said.append((F(cells[0]), alive or {"rate_bps": F(0), "delay_ns": said[-1][1]["delay_ns"]}))
    return from_first(said)


def intel(text: str) -> Said:
    said: Said = []
    for entry in json.loads(text)["entries"]:
        held = dict(said[-1][1]) if said else {}
        for key, name, unit in (("dlBw", "rate_bps", F(1000)), ("dlLatency", "delay_ns", F(1, 10**6))):
            if entry.get(key) is not None:
                held[name] = F(str(entry[key])) * unit
        said.append((when(entry["dateTime"]), held))
    return from_first(said)


def epoch(text: str) -> Said:
    link = next(each for each in json.loads(text)["links-add"] if each["endpoint1"] == "usr1")
    rate, delay = F(link["rate"].removesuffix("mbit")) * 10**6, F(link["delay"].removesuffix("ms")) / 1000
    return [(F(0), {"rate_bps": rate, "delay_ns": delay, "loss_ppb": F(str(link["loss"])) / 100})]


def irtt(text: str) -> Said:
    trips = json.loads(text)["round_trips"]
    return [(F(trip["seqno"], 100), {"delay_ns": F(trip["delay"]["rtt"], 2 * 10**9)}) for trip in trips
            if trip["lost"] == "false"]  # fmt: skip


def preset(time: Callable[[Mapping[str, str]], Fraction], **cells: tuple[str, Fraction]) -> Callable[[str], Said]:
    """A table with a header whose missing cells leave what was; of lines of one time the last that says it holds."""

    def read(text: str) -> Said:
        said: Said = []
        for row in named(text):
            held = dict(said[-1][1]) if said else {}
            held |= {
                name: F(row[cell]) * unit for name, (cell, unit) in cells.items() if row[cell] not in ("", "-", "NaN")
            }
            said.append((time(row), held))
        return from_first(said)

    return read


HALF_MS = F(1, 2000)
BY_HAND: Mapping[str, Callable[[str], Said]] = {
    "plctl": ours,
    "mahimahi": windows,
    "leocc-delay": lambda text: [(F(i, 100), {"delay_ns": F(line) / 1000}) for i, line in enumerate(text.split())],
    "netem-trace": netem,
    "theaterq": theaterq,
    "fau": fau,
    "hypatia-rtt": hypatia_rtt,
    "hypatia-path": hypatia_path,
    "leoem": leoem,
    "cellreplay": lambda text: [(F(at) / 1000, {"delay_ns": F(base) / 1000}) for at, base, *_ in table(text, None)],
    "intel-lpp": intel,
    "netsatbench": epoch,
    "irtt": irtt,
    "table": preset(lambda row: F(row["t"]), delay_ns=("rtt", HALF_MS), loss_ppb=("loss", F(1, 100))),
    "lens": lambda text: from_first(
        [(F(row[0]), {"delay_ns": F(row[1]) * HALF_MS}) for row in table(text) if row[3] != "-1"]
    ),
    "leonetem": preset(lambda row: F(row["relative"]), delay_ns=("rtt", HALF_MS)),
    "errant": preset(lambda row: F(row["time(s)"]), delay_ns=("rtt", HALF_MS), rate_bps=("download", F(1000))),
    "irish-5g": preset(
        lambda row: when(row["Timestamp"], "%Y.%m.%d_%H.%M.%S"),
        delay_ns=("PINGAVG", HALF_MS),
        rate_bps=("DL_bitrate", F(1000)),
    ),
    "pensieve": lambda text: from_first([(F(t), {"rate_bps": F(mbps) * 10**6}) for t, mbps in table(text, None)]),
    "ghent-4g": lambda text: from_first(
        [(F(row[1]) / 1000, {"rate_bps": F(row[4]) * 8000 / F(row[5])}) for row in table(text, None)]
    ),
    "wetlinks-rate": preset(lambda row: when(row["timestamp_start"]), rate_bps=("download", F(1))),
    "wetlinks-delay": preset(lambda row: when(row["timestamp_start"]), delay_ns=("ping_avg", HALF_MS)),
}

#: Real traces below PLCTL_TRACES, by reader.
REAL: Mapping[str, Sequence[str]] = {
    "fau": ("fau/forward.csv", "fau/return.csv"),
    "hypatia-rtt": ("hypatia/networkx_rtt_1173_to_1229.txt", "hypatia/networkx_rtt_1229_to_1173.txt"),
    "hypatia-path": ("hypatia/networkx_path_1173_to_1229.txt", "hypatia/networkx_path_1229_to_1173.txt"),
    "intel-lpp": ("intel-lpp/telia-north.ntrace",),
    "leocc-delay": ("leocc/delay_example.txt",),
    "leonetem": ("leonetem/ping-example-isl.csv",),
    "mahimahi": ("leocc/bw_example.txt", "mahimahi/verizon-lte-short.up", "mahimahi/verizon-lte-short.down"),
}
FOLDER = os.environ.get("PLCTL_TRACES", "")
FILES = [(reader, Path(FOLDER) / name) for reader, names in REAL.items() for name in names] if FOLDER else []


def compare(reader: str, text: str, scenario: Scenario, seed: str) -> None:
    """Ten instants, down, which all formats have; those of a trace that begins again lie in its first round."""
    said = BY_HAND[reader](text)
    draw = random.Random(seed)
    last = said[-1][0]
    routes: dict[object, int] = {}
    for _ in range(10):
        t = F(draw.randrange(int(last * 10**9) + 1), 10**9)
        there = [each for at, each in said if at <= t][-1]
        row = scenario.down.row_at(int(t * 10**9))
        for name, expected in there.items():
            found = getattr(row, name)
            if name == "route":
                assert routes.setdefault(expected, found) == found, (reader, t, name)
            else:
                assert isinstance(expected, Fraction)
                unit, tolerance = TOLERANCE[name]
                assert abs(found - expected * unit) <= tolerance, (
                    reader,
                    float(t),
                    name,
                    float(expected * unit),
                    found,
                )
    assert len(set(routes.values())) == len(routes)


@pytest.mark.parametrize(("reader", "path"), [*((reader, None) for reader in reader_names()), *FILES])
def test_ten_random_instants_say_what_the_file_says(reader: str, path: Path | None) -> None:
    """Rate, delay, route, jitter, loss, duplicates and queue, whatever the format has of them."""
    options = SAMPLES[reader].options
    for seed in (1, 2, 3):
        text = path.read_text() if path else SAMPLES[reader].text(400, seed)
        compare(reader, text, read_text("" if path else reader, text, options).scenario, f"{path or reader} {seed}")
