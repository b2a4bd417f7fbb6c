"""Turns a forwarder's options into what each of its workers is started with, within what this kernel allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from plctl.agent.native import NativeWorker
from plctl.common.host.control_groups import groups_of
from plctl.common.host.limits import gather_limits
from plctl.common.plan.forwarder_options import ForwarderOptions

_MILLION = 1_000_000
#: Of what the kernel lets real-time threads run in a period: held at most at once, and gained back. In any period that
#: is 0.9 of what is allowed; the rest is for what passes before a worker looks at its clock again.
_BURST = 0.25
_GAIN = 0.65
#: The share that newer kernels reserve for ordinary threads, whatever the sysctl says.
_MOST = 0.95


@dataclass(frozen=True, slots=True)
class Throttle:
    """Real-time threads may have a CPU for `share` of every `period_ns`, then the kernel takes it away."""

    share: float
    period_ns: int


def read_throttle(proc: Path = Path("/proc")) -> Throttle:
    """This kernel's, or the least that a `cpu` control group of ours leaves; version 2 knows no real-time share."""
    kernel = proc / "sys" / "kernel"
    host = _read(kernel / "sched_rt_runtime_us", kernel / "sched_rt_period_us") or Throttle(_MOST, 10**9)
    folders = [group.folder for group in groups_of("cpu", proc / "self") if not group.is_v2]
    groups = [_read(folder / "cpu.rt_runtime_us", folder / "cpu.rt_period_us") for folder in folders]
    return min((throttle for throttle in (host, *groups) if throttle), key=lambda throttle: throttle.share)


def default_workers() -> int:
    """Threads that forward: one for every two CPUs whose time this process may have, at most four."""
    return max(1, min(4, gather_limits().cpus // 2))


def count_workers(options: ForwarderOptions) -> int:
    """How many threads a forwarder with `options` has."""
    return options.workers or len(options.cpus) or default_workers()


def plan_workers(options: ForwarderOptions, throttle: Throttle) -> tuple[NativeWorker, ...]:
    """What each worker is started with.

    Workers that may meet on one CPU share its real-time allowance, those pinned to CPUs of their own do not.
    """
    cpus = [options.cpus[i % len(options.cpus)] if options.cpus else -1 for i in range(count_workers(options))]
    on_cpu = Counter(cpus)
    return tuple(
        (
            options.spin,
            round(options.spin_budget * _MILLION),
            cpu,
            options.real_time,
            int(throttle.share * _GAIN * _MILLION / on_cpu[cpu]),
            int(throttle.share * _BURST * throttle.period_ns / on_cpu[cpu]),
        )
        for cpu in cpus
    )


def _read(runtime: Path, period: Path) -> Throttle | None:
    try:
        runtime_us, period_us = int(runtime.read_text()), int(period.read_text())
    except (OSError, ValueError):
        return None
    return Throttle(min(_MOST, runtime_us / period_us) if runtime_us >= 0 else _MOST, period_us * 1000)
