"""What a run shows while it goes on: the same truth on a terminal and in a log, however many links there are."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console
from support.synthetic_run import HANDOVER, INTERVAL_NS, half_samples, handover_plan, packed, steady

from plctl.common.base.clock import FakeClock
from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.samples import SAMPLE_COLUMNS, Sample, Samples
from plctl.controller.view.live import LINES_EVERY_NS, LiveView, lines, render
from plctl.controller.view.live_model import LiveModel


def telemetry(link: str = "leo-0", **changes: int) -> Samples:
    """Both directions of one interval, row 2 in force: 100 kB delivered (8 Mbit/s), nothing wrong but `changes`."""
    sample = dict.fromkeys(SAMPLE_COLUMNS, 0) | {
        "row": 2, "delay_ns": HANDOVER.rows[2].delay_ns, "rate_bps": HANDOVER.rows[2].rate_bps,
        "served_bytes": 100_000, "interval_ns": INTERVAL_NS, "queue_bytes": 2_500, "lateness_p99_ns": 31_000,
        **changes,
    }  # fmt: skip
    return Samples.of([Sample(**(sample | {"link": link, "direction": direction})) for direction in DIRECTIONS])


def text_of(model: LiveModel, now_ns: int = 0, max_links: int = 20, width: int = 140) -> str:
    """The picture as a terminal of that width would show it."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(render(model, now_ns, max_links))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def running(*plans: LinkPlan) -> LiveModel:
    """A model whose run began at instant 0."""
    model = LiveModel(plans or (handover_plan(),), 14 * NS_PER_S)
    model.t0_ns, model.phase = 0, "running"
    return model


def test_the_table_shows_the_row_in_force_and_what_is_carried() -> None:
    """Row number, delay and rate asked, rate carried, queue, lateness: all of the last interval."""
    model = running()
    model.add(telemetry())
    line = next(line for line in text_of(model).splitlines() if line.startswith("leo-0"))
    expected = "leo-0 waiting 3/6 37 10 8 8 2.5 0 0.031 0"
    assert expected == " ".join(line.split())


def test_a_mean_is_told_as_such() -> None:
    """Where a link is served by delivery opportunities, the rate asked is marked, and what the mark means is said."""
    plan = handover_plan()
    trace = Opportunities.of_instants([5, 9], 10)
    model = running(replace(plan, up=plan.up.served_by(trace)))
    model.add(telemetry())
    text = text_of(model)
    assert "~10 | 10" in text
    assert "~ mean of delivery opportunities" in text
    assert "37 ms on average 10 Mbit/s, up" in lines(model, 0)[0]
    plain = running()
    plain.add(telemetry())
    assert "~" not in text_of(plain)
    assert "on average" not in lines(plain, 0)[0]


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    """Also with large numbers in both directions, nothing of a line is cut off."""
    model = running()
    model.add(telemetry(queue_bytes=12_345_678, dropped_queue_full_packets=123_456, lateness_p99_ns=12_345_678))
    model.links["leo-0"].down.rate_bps = RATE_UNLIMITED
    assert "…" not in text_of(model, width=80)
    assert "10 | ∞" in text_of(model, width=80)


def test_drops_and_losses_add_up_and_gauges_do_not() -> None:
    """Counts are since the start, both directions; the queue is as it is now."""
    model = running()
    for _ in range(3):
        model.add(telemetry(dropped_queue_full_packets=2, lost_ring=1, lost_send=1, lost_memory=1, lost_late=1))
    assert (12, 24, 2_500) == (
        model.links["leo-0"].dropped,
        model.links["leo-0"].lost,
        model.links["leo-0"].queue_bytes,
    )


def test_drops_are_told_by_cause_and_marks_beside_them() -> None:
    """In the line of all links and in each link's own; columns of marks and of the queue's state if there are any."""
    model = running()
    assert "marked" not in text_of(model)
    model.add(telemetry(dropped_queue_full_packets=2, dropped_random_loss_packets=3, ce_marked_packets=4))
    model.add(telemetry(dropped_aqm_packets=1, aqm_ppm=125_000))
    expected = "dropped 12 (queue full 4, queue management 2, random loss 6), marked 8"
    assert expected in " ".join(text_of(model).split())
    assert expected in lines(model, 0)[0]
    line = next(line for line in text_of(model).splitlines() if line.startswith("leo-0"))
    assert ["8", "12.5"] == line.split()[-2:]


def test_real_telemetry_is_understood() -> None:
    """The columns are those that agents send."""
    model = running()
    columns = half_samples(handover_plan(), "down", steady(9 * 10**6, 1242), seed=1)
    model.add(packed(columns))
    assert model.links["leo-0"].dropped == sum(int(value) for value in columns["dropped_queue_full_packets"])
    assert model.links["leo-0"].down.row == 5


def test_an_outage_and_a_quiet_link_have_no_lateness() -> None:
    """−1 means that nothing was delivered and is shown as a dash."""
    model = running()
    model.add(telemetry(lateness_p99_ns=-1, served_bytes=0, interval_ns=0))
    assert "–" in text_of(model)


def test_time_stops_at_the_end_of_the_run() -> None:
    """Scenario time is 0 before T0 and does not pass the duration."""
    model = running()
    assert "0.0 s of 14 s" in text_of(model, now_ns=-5)
    assert "3.5 s of 14 s" in text_of(model, now_ns=3_500_000_000)
    assert "14.0 s of 14 s" in text_of(model, now_ns=99 * NS_PER_S)


def test_a_run_without_end_shows_its_time_alone() -> None:
    """Until the workloads end, nobody knows how far it is."""
    model = LiveModel([handover_plan()])
    model.t0_ns = 0
    assert "2.0 s\n" in "\n".join(line.rstrip() for line in text_of(model, now_ns=2 * NS_PER_S).splitlines()) + "\n"


def test_of_many_links_the_worst_are_shown() -> None:
    """A failed link goes first, then losses, then lateness; the others are counted and summed up."""
    model = running(*(handover_plan(f"leo-{number}") for number in range(100)))
    model.add(telemetry("leo-41", lateness_p99_ns=5_000_000))
    model.add(telemetry("leo-42", lost_ring=1))
    model.set_state("leo-43", "failed", "no kernel")
    text = text_of(model, max_links=3)
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("leo-")]
    assert ["leo-43", "leo-42", "leo-41"] == shown[:3]
    assert "97 more links" in text
    assert "100 links (99 waiting, 1 failed)" in text
    assert "leo-43: no kernel" in text


def test_names_are_never_read_as_markup() -> None:
    """A link called [red] is shown by that name."""
    model = running(handover_plan("[red]x[/red]"))
    assert "[red]x[/red]" in text_of(model)
    assert "[red]x[/red]" in lines(model, 0)[0]


def test_without_a_terminal_a_plain_line_comes_every_few_seconds() -> None:
    """Not for every update, without escape sequences, and a cause is told at once."""
    clock, out = FakeClock(), io.StringIO()
    console = Console(file=out, force_terminal=False)
    with LiveView(console, [handover_plan()], 14 * NS_PER_S, clock_ns=clock.monotonic_ns) as view:
        assert out.getvalue() == (
            "preparing: 1 link (1 waiting), up 0 bit/s, down 0 bit/s, dropped 0, worst lateness p99 –, "
            "lost by the machine 0\n"
        )
        view.start(clock.monotonic_ns())
        before = out.getvalue()
        for _ in range(10):
            view.update(telemetry())
        assert before == out.getvalue()
        clock.advance(LINES_EVERY_NS)
        view.update(telemetry())
        assert out.getvalue()[len(before) :] == (
            "running, 5.0 s of 14 s: leo-0 waiting, row 3/6, asked 37 ms 10 Mbit/s, up 8 Mbit/s, down 8 Mbit/s, "
            "queue 2.5 kB, dropped 0, lateness p99 31 µs, lost by the machine 0\n"
        )
        view.set_state("leo-0", "failed", "no kernel")
        assert "leo-0: failed: no kernel\n" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_the_table_stays_in_place() -> None:
    """The picture is redrawn over itself, and the cursor is shown again in the end."""
    clock, out = FakeClock(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=140, height=30, legacy_windows=False)
    with LiveView(console, [handover_plan()], 14 * NS_PER_S, clock_ns=clock.monotonic_ns) as view:
        view.start(clock.monotonic_ns())
        clock.advance(NS_PER_S)
        view.update(telemetry())
    assert "\x1b[?25h" in out.getvalue()
    assert "\x1b[1A" in out.getvalue()
    assert "1.0 s of 14 s" in out.getvalue()
