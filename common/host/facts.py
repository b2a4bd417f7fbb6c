"""What kind of machine this is: the facts that a run's record quotes and `plctl doctor` judges."""

from __future__ import annotations

import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from plctl.common import __version__
from plctl.common.host.limits import gather_limits

_CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One machine, as plain values that travel and print well."""

    host: str
    kernel: str  #: release, e.g. 6.1.0-13-amd64
    architecture: str
    cpu_model: str
    cpus: int  #: that this process may use
    memory_bytes: int  #: that this process may have: installed, or what its control group allows
    memory_available_bytes: int  #: of that, the kernel's estimate of what can be had without swapping
    clock_source: str  #: of the kernel's CLOCK_MONOTONIC, e.g. tsc
    python: str
    plctl: str


def gather_host_facts() -> HostFacts:
    """The facts of this machine now; what it does not tell is empty or 0."""
    limits = gather_limits()
    return HostFacts(
        host=socket.gethostname(),
        kernel=platform.release(),
        architecture=platform.machine(),
        cpu_model=parse_table(_read(Path("/proc/cpuinfo"))).get("model name", ""),
        cpus=limits.cpus,
        memory_bytes=limits.memory_bytes,
        memory_available_bytes=limits.memory_available_bytes,
        clock_source=_read(_CLOCK_SOURCE).strip(),
        python=platform.python_version(),
        plctl=__version__,
    )


def parse_table(text: str) -> dict[str, str]:
    """``key: value`` lines as a dict; of a repeated key the first value, lines without a colon are passed over."""
    table: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            table.setdefault(key.strip(), value.strip())
    return table


def parse_release(release: str) -> tuple[int, int]:
    """Major and minor number of a kernel release such as ``6.1.0-13-amd64``; zeros for what is not a number."""
    numbers = [int(word) if word.isdecimal() else 0 for word in release.split(".")[:2]]
    major, minor, *_ = [*numbers, 0, 0]
    return major, minor


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
