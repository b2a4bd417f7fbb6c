"""Facts of the machine: read right, and absent rather than wrong."""

from __future__ import annotations

import os

import pytest

from plctl.common.host import facts as host_facts
from plctl.common.host.facts import gather_host_facts, parse_release, parse_table


@pytest.mark.parametrize(
    ("release", "numbers"),
    [("6.1.0-13-amd64", (6, 1)), ("5.11", (5, 11)), ("6", (6, 0)), ("6.x", (6, 0)), ("", (0, 0))],
)
def test_a_kernel_release_is_read_by_its_first_two_numbers(release: str, numbers: tuple[int, int]) -> None:
    """5.11 is newer than 5.9, and a strange name is old rather than an error."""
    assert numbers == parse_release(release)


def test_of_a_repeated_key_the_first_counts() -> None:
    """/proc/cpuinfo repeats itself for each CPU."""
    assert parse_table("a\t: 1\nb: 2\n\nno colon\na\t: 3\n") == {"a": "1", "b": "2"}


def test_this_machine_tells_about_itself() -> None:
    """The facts are those that the kernel gives by other ways."""
    facts = gather_host_facts()
    assert facts.kernel == os.uname().release
    assert facts.cpus == len(os.sched_getaffinity(0))
    assert facts.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < facts.memory_available_bytes <= facts.memory_bytes


def test_a_machine_without_proc_is_described_by_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is needed; what cannot be read is empty."""
    monkeypatch.setattr(host_facts, "_read", lambda _path: "")
    facts = gather_host_facts()
    assert (facts.cpu_model, facts.clock_source) == ("", "")
