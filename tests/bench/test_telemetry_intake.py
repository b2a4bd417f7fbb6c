"""How many samples a second one controller can keep: checked, written to disk, and turned into Parquet beside that."""

from __future__ import annotations

import time
from pathlib import Path

from bench.table import Table, row

from plctl.common.plan.run_plan import LinkPlan
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import HalfStats, LinkStats, Samples, sample
from plctl.controller.results import column_file, telemetry_file
from plctl.controller.results.column_file import ColumnWriter
from plctl.controller.results.column_parts import RunTable

LINKS, INTERVALS = 10, 10  #: of one message: ten links of an agent, sampled for a second
HOSTS = 50
MESSAGES = 6_000
SCHEDULE = Schedule((Row(0, 0, 41_000_000, 80_000_000),))


def encoded(host: int) -> bytes:
    """One agent's telemetry of a second, as it arrives."""
    records = []
    for interval in range(INTERVALS):
        for link in range(LINKS):
            plan = LinkPlan(f"leo-{host * LINKS + link}", SCHEDULE, SCHEDULE)
            half = HalfStats(arrived_packets=31 * link + interval, arrived_bytes=1242 * (31 * link + interval))
            after = LinkStats(up=half, down=half, t0_ns=1)
            records += sample(plan, LinkStats(), after, interval * 100_000_000 + host, 100_000_000)
    samples = Samples.of(records)
    return m.encode(m.Envelope(m.Telemetry(1, 7, samples.links, dict(samples.columns)), epoch="r"))


def test_intake(tmp_path: Path, table: Table) -> None:
    """Samples a second; all of them can be read in the end."""
    arriving = [encoded(host) for host in range(HOSTS)]
    t0_by_host = {f"edge-{host}": 0 for host in range(HOSTS)}
    writer = ColumnWriter.create(tmp_path, telemetry_file.COLUMNS, "r")
    writer.start(t0_by_host)
    began_s, began_cpu_s = time.perf_counter(), time.thread_time()
    for number in range(MESSAGES):
        message = m.decode(arriving[number % HOSTS], "agent").message
        assert isinstance(message, m.Telemetry)
        samples = Samples(message.links, message.columns)
        writer.append(telemetry_file.batch_of(f"edge-{number % HOSTS}", samples, message.offset_ns))
    took_s, cpu_s = time.perf_counter() - began_s, time.thread_time() - began_cpu_s
    writer.close()
    closing_s = time.perf_counter()
    column_file.finish(tmp_path, RunTable(telemetry_file.COLUMNS, "r", t0_by_host))
    closing_s = time.perf_counter() - closing_s
    rows = MESSAGES * LINKS * INTERVALS * 2
    table.add(row("telemetry taken in, CPU of one thread", "controller", "samples/s", [rows / cpu_s]))
    table.add(row("telemetry taken in, Parquet beside it", "controller", "samples/s", [rows / took_s]))
    table.add(row("the end of a run after its last part", "controller", "s", [closing_s]))
    run_table = RunTable(telemetry_file.COLUMNS, "r", t0_by_host)
    assert MESSAGES // HOSTS * INTERVALS * 2 == column_file.read(tmp_path, run_table, ["leo-3"]).num_rows
