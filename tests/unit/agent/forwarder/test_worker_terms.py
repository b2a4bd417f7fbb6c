"""How a worker's terms read."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from plctl.agent.forwarder.worker_terms import describe_refusals, describe_worker, format_cpus


@pytest.mark.parametrize(("cpus", "text"), [([2], "2"), ([0, 1], "0-1"), ([0, 1, 2, 5, 7, 8], "0-2,5,7-8"), ([], "")])
def test_cpus_read_as_ranges(cpus: list[int], text: str) -> None:
    """Neighbours become a range."""
    assert text == format_cpus(cpus)


def test_a_thread_is_described_as_the_kernel_has_it() -> None:
    """This one is an ordinary thread with a nice value."""
    cpus = format_cpus(sorted(os.sched_getaffinity(0)))
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    assert f"CPU{'' if cpus.isdecimal() else 's'} {cpus}, nice {nice}" == describe_worker(threading.get_native_id())


def test_each_refusal_is_a_sentence_of_its_own() -> None:
    """What was refused, by which word of the kernel, and what it takes."""
    assert [] == describe_refusals(0, 0, 10)
    nice, real_time = describe_refusals(errno.EACCES, errno.EPERM, 10)
    assert "workers run without nice -20: Permission denied; that takes CAP_SYS_NICE" == nice
    assert real_time.startswith("workers run without real-time priority 10: Operation not permitted")
    assert "RT_GROUP_SCHED" in real_time
