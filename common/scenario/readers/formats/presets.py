"""The layouts of published measurements, as entries of a table: how each is known, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plctl.common.scenario.readers.formats import table
from plctl.common.scenario.readers.formats.column_spec import parse_columns
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_OPTIONS = tuple(option for option in table.OPTIONS if option.name != "columns")
_MEASURED = "is what was measured, which is at most what the path could carry"
_HALVED = "is measured: the delay is half of each round-trip time, queues included"


@dataclass(frozen=True, slots=True)
class Preset:
    """The reader of one layout."""

    title: str
    first: str  #: a regular expression that the first line matches
    columns: str
    others: str = ""  #: one that all other lines match; empty: any
    remark: str = ""  #: what its user should know
    repeated: str = "last"
    options: Sequence[ReaderOption] = _OPTIONS

    def recognises(self, lines: Sequence[str]) -> bool:
        """By the header, or by the form of the lines."""
        others = all(re.fullmatch(self.others, line) for line in lines[1:]) if self.others else True
        return re.match(self.first, lines[0]) is not None and others

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        trace = table.READER.read(file, {**options, "columns": parse_columns(self.columns)})
        return Trace(trace.parts, file.refusal(self.remark).problems if self.remark else ())


_LENS_LINE = r"1[0-9]{9}(\.[0-9]+)?(,-?[0-9.]+){3,}"
LENS = Preset(
    "a measurement in the layout of LENS (time, one-way delays and round trip; −1 where it was lost)",
    r"(ts|timestamp),.*rtt|" + _LENS_LINE, "time=#1[s]; delay=#2[ms]/2; lost=#4[-1]",
    _LENS_LINE, _HALVED,
)  # fmt: skip
LEONETEM = Preset(
    "a list of round-trip times in the layout of LEONetEM", r"timestamp,relative,rtt\s*$",
    "time=relative[s]; delay=rtt[ms]/2",
    remark=_HALVED,
)  # fmt: skip
ERRANT = Preset(
    "a measurement in the layout of ERRANT", r"time\(s\),.*download,upload,rtt\s*$",
    'time=time(s)[s]; rate:down=download[kbit/s]; rate:up=upload[kbit/s]; delay=rtt[ms]/2', remark=_MEASURED,
)  # fmt: skip
IRISH_5G = Preset(
    "a drive in the layout of the Irish 5G data set", r"Timestamp,.*DL_bitrate,UL_bitrate",
    "time=Timestamp[%Y.%m.%d_%H.%M.%S]; rate:down=DL_bitrate[kbit/s]; rate:up=UL_bitrate[kbit/s]; delay=PINGAVG[ms]/2",
    remark=_MEASURED,
)  # fmt: skip
PENSIEVE = Preset(
    "a list of seconds and Mbit/s in the layout of Pensieve", r"[0-9.]+[ \t]+[0-9.]+$", "time=#1[s]; rate=#2[Mbit/s]",
    r"[0-9.]+[ \t]+[0-9.]+", _MEASURED,
)  # fmt: skip
_GHENT_LINE = r"[0-9.-]+([ \t]+-?[0-9.]+){5}"
GHENT_4G = Preset(
    "a drive in the layout of the 4G data set of Ghent", _GHENT_LINE, "time=#2[ms]; rate=#5[B]/#6[ms]",
    _GHENT_LINE, _MEASURED,
)  # fmt: skip
WETLINKS_RATE = Preset(
    "throughput in the layout of WetLinks", r"site_name,timestamp_start,.*download,upload",
    "time=timestamp_start[iso]; rate:down=download[bit/s]; rate:up=upload[bit/s]", remark=_MEASURED,
)  # fmt: skip
WETLINKS_DELAY = Preset(
    "round-trip times in the layout of WetLinks", r"site_name,timestamp_start,.*ping_avg",
    "time=timestamp_start[iso]; delay=ping_avg[ms]/2",
    remark=_HALVED,
)  # fmt: skip
