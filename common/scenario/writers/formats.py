"""The formats that scenarios are written in, by name."""

from __future__ import annotations

from collections.abc import Mapping

from plctl.common.scenario.writers import netem_trace
from plctl.common.scenario.writers.mahimahi import MahimahiWriter
from plctl.common.scenario.writers.plctl_csv import PhantomlinkWriter, PlctlCsvWriter
from plctl.common.scenario.writers.theaterq import TheaterQWriter
from plctl.common.scenario.writers.writer import Writer

WRITERS: Mapping[str, Writer] = {
    "plctl": PlctlCsvWriter(),
    "phantomlink": PhantomlinkWriter(),
    "mahimahi": MahimahiWriter(),
    "rattan-json": netem_trace.JSON,
    "rattan-toml": netem_trace.TOML,
    "theaterq": TheaterQWriter(),
}
