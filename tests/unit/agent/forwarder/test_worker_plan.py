"""What workers are started with, and that no allowance can be overdrawn by more than a look at the clock."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.forwarder.worker_plan import Throttle, default_workers, plan_workers, read_throttle
from plctl.agent.native import _core
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.plan.forwarder_options import ForwarderOptions

USUAL = Throttle(0.95, NS_PER_S)
LOOK_NS = 2 * NS_PER_MS  #: what a worker may run between two looks at its clock


def test_workers_are_pinned_in_turn() -> None:
    """More workers than CPUs go round; without a number there is one for each CPU."""
    assert [4, 5, 4] == [worker[2] for worker in plan_workers(ForwarderOptions(workers=3, cpus=(4, 5)), USUAL)]
    assert [4, 5] == [worker[2] for worker in plan_workers(ForwarderOptions(cpus=(4, 5)), USUAL)]
    assert [-1] * default_workers() == [worker[2] for worker in plan_workers(ForwarderOptions(), USUAL)]


def test_options_reach_every_worker() -> None:
    """Spinning, its budget in millionths, and the priority."""
    options = ForwarderOptions(workers=2, spin="busy", spin_budget=0.25, real_time=7)
    assert [("busy", 250_000, -1, 7)] * 2 == [worker[:4] for worker in plan_workers(options, USUAL)]


def test_workers_that_may_meet_share_what_real_time_may_run() -> None:
    """Two workers on one CPU, or anywhere, get half each; on CPUs of their own they get all."""
    (alone,) = plan_workers(ForwarderOptions(workers=1, real_time=1), USUAL)
    apart = plan_workers(ForwarderOptions(cpus=(0, 1), real_time=1), USUAL)
    together = plan_workers(ForwarderOptions(workers=2, real_time=1), USUAL)
    assert [alone[4:]] * 2 == [worker[4:] for worker in apart]
    assert [(alone[4] // 2, alone[5] // 2)] * 2 == [worker[4:] for worker in together]


def test_this_kernels_throttle_is_one() -> None:
    """A share above nothing and at most 0.95, of a period."""
    throttle = read_throttle()
    assert 0 <= throttle.share <= 0.95
    assert throttle.period_ns > 0


def test_the_tightest_group_has_a_say_wherever_it_is_mounted(tmp_path: Path) -> None:
    """Another file system may lie over /sys, and a group above ours may leave less than our own says."""
    point = tmp_path / "elsewhere"
    texts = {
        "proc/sys/kernel/sched_rt_runtime_us": "950000\n", "proc/sys/kernel/sched_rt_period_us": "1000000\n",
        "proc/self/cgroup": "2:cpu,cpuacct:/job/step\n0::/\n",
        "proc/self/mountinfo": f"32 31 0:32 / {point} rw,relatime - cgroup cgroup rw,cpu,cpuacct\n",
        "elsewhere/cgroup.procs": "", "elsewhere/cpu.rt_runtime_us": "950000\n",
        "elsewhere/cpu.rt_period_us": "1000000\n",
        "elsewhere/job/cpu.rt_runtime_us": "20000\n", "elsewhere/job/cpu.rt_period_us": "100000\n",
        "elsewhere/job/step/cpu.rt_runtime_us": "500000\n", "elsewhere/job/step/cpu.rt_period_us": "1000000\n",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert Throttle(0.2, 100 * NS_PER_MS) == read_throttle(tmp_path / "proc")


@given(
    st.floats(0.05, 0.95),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 400 * NS_PER_MS), st.integers(1, LOOK_NS)), min_size=1, max_size=60),
    st.integers(0, 1000),
)
def test_no_period_is_overdrawn(share: float, workers: int, pauses: list[tuple[int, int]], busy: int) -> None:
    """However a worker alternates between resting and running without a break, no period holds more than the kernel's.

    It runs at real-time priority between two looks only if its allowance was not used up at the first.
    """
    throttle = Throttle(share, NS_PER_S)
    _, _, _, _, gain, burst = plan_workers(ForwarderOptions(workers=workers, real_time=1), throttle)[0]
    rests = [*pauses, *[(0, LOOK_NS)] * busy]
    looks = [0, *itertools.accumulate(rest + run for rest, run in rests)]
    runs: list[tuple[int, int]] = []  # (until, ns at real-time priority)
    steps: list[tuple[int, int]] = []
    for now, (_, run) in zip(looks[1:], rests, strict=True):
        left = _core.allowance_trace(gain, burst, [*steps, (now - run, 0)])[-1] if len(steps) < 200 else 0
        spent = run if left > 0 else 0
        steps.append((now, spent))
        runs.append((now, spent))
    for until, _ in runs:
        within = sum(spent for end, spent in runs if until - throttle.period_ns < end <= until)
        assert within <= share * throttle.period_ns / workers + LOOK_NS


@given(st.integers(0, 10**6 - 1), st.lists(st.integers(0, 500), min_size=1, max_size=300))
def test_short_waits_count_exactly(share: int, waits: list[int]) -> None:
    """What is gained in a thousand looks is what is gained in one: nothing is rounded away between them."""
    burst = NS_PER_S
    looks = list(itertools.accumulate(waits))
    often = _core.allowance_trace(share, burst, [(0, burst), *((look, 0) for look in looks)])[-1]
    once = _core.allowance_trace(share, burst, [(0, burst), (looks[-1], 0)])[-1]
    assert looks[-1] * share // 10**6 == often == once


@pytest.mark.parametrize(
    ("frames", "passed_ns", "gathers"), [(1, 4001, 0), (1, 3999, 5000), (3, 13_000, 0), (3, 11_000, 5000)]
)
def test_frames_gather_only_under_a_flood(frames: int, passed_ns: int, gathers: int) -> None:
    """Only frames that come faster than one in 4 µs are kept waiting, and for 5 µs at the most."""
    assert gathers == _core.gather_ns("adaptive", 1, frames, passed_ns)
    assert gathers == _core.gather_ns("busy", 0, frames, passed_ns)


def test_frames_do_not_gather_where_nothing_may_spin() -> None:
    """Waiting for frames is spinning: within its budget, and never with --spin off."""
    assert 0 == _core.gather_ns("adaptive", 0, 64, 1)
    assert 0 == _core.gather_ns("off", 1, 64, 1)


@pytest.mark.parametrize(
    ("spin", "left_ns", "slack_us", "before_us"),
    [
        ("adaptive", NS_PER_MS, 0, 100),  # as late as the kernel is thought to wake a thread at first
        ("adaptive", 0, 0, 0),
        ("off", NS_PER_MS, 0, 0),
        ("adaptive", 0, 60, 60),
        ("adaptive", NS_PER_MS, 400, 100),
        ("off", 0, 60, 60),
    ],
)
def test_who_may_be_early_wakes_early_and_does_not_spin(spin: str, left_ns: int, slack_us: int, before_us: int) -> None:
    """By as much as the kernel is usually late, whatever is left for spinning; without slack as that lasts."""
    assert before_us * NS_PER_US == _core.wakes_before_ns(spin, left_ns, slack_us * NS_PER_US)


@pytest.mark.parametrize(
    ("expected_us", "may_us", "frames", "spacing_us", "passed_us"),
    [
        pytest.param(500, 2500, 1, 500, 0, id="two single frames close together"),
        pytest.param(500, 2500, 2, 2000, 0, id="two at once"),
        pytest.param(250, 250, 2, 2000, 500, id="a least delay of 1 ms"),
        pytest.param(0, 2500, 1, 501, 0, id="single frames far apart"),
        pytest.param(0, 2500, 8, 1, 501, id="nothing came any more"),
        pytest.param(0, 99, 8, 1, 0, id="a ring or a delay too short for a timer"),
        pytest.param(0, 0, 8, 1, 0, id="jitter: a frame may be due when it comes"),
    ],
)
def test_frames_that_follow_each_other_may_stay_unread(
    expected_us: int, may_us: int, frames: int, spacing_us: int, passed_us: int
) -> None:
    """For half a millisecond at most, and no longer than rings and delays allow."""
    found = _core.unread_ns(may_us * NS_PER_US, frames, spacing_us * NS_PER_US, passed_us * NS_PER_US)
    assert expected_us * NS_PER_US == found
