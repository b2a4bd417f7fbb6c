"""A host is described in words, and nothing that is known of it is left out."""

from support.html_reader import read

from plctl.controller.report.host_words import host_part

FACTS = {
    "host": "edge-1", "kernel": "6.1.0", "architecture": "x86_64", "cpu_model": "AMD EPYC", "cpus": "2",
    "memory_bytes": "25276514304", "memory_available_bytes": "24122286080", "clock_source": "tsc", "python": "3.11.7",
    "plctl": "0.1.0", "forwarder_pid": "77", "forwarder_io": "auto", "forwarder_spin": "adaptive",
    "forwarder_workers": "['CPUs 0-1, nice -20']", "forwarder_spin_budget": "0.5", "forwarder_real_time": "0",
    "forwarder_locked_memory": "True", "forwarder_refused": "[]", "something_new": "42",
}  # fmt: skip


def test_a_host_in_words() -> None:
    """Units, not raw figures; and all of it below."""
    text = " ".join(read(host_part(FACTS)).text.split())
    assert text.startswith(
        "edge-1, AMD EPYC, 2 CPUs, 25.3 GB of memory (24.1 GB available), x86_64, Linux 6.1.0, clock source tsc, "
        "plctl 0.1.0, Python 3.11.7. Forwarder: frames by XDP sockets where they work, workers on CPUs 0-1, nice -20, "
        "adaptive spinning for up to 0.5 of a CPU, memory locked. all that is known of it"
    )
    assert all(name in text and value in text for name, value in FACTS.items())


def test_what_is_not_known_is_not_said() -> None:
    """An older record, or an agent that tells less, gives a shorter sentence."""
    assert "edge-1, 1 CPU. " == read(host_part({"host": "edge-1", "cpus": "1"})).text.partition("all that")[0]
    assert "" == host_part({})
    refused = read(host_part({"forwarder_refused": "['workers run without nice -20']", "forwarder_workers": "0"})).text
    assert "not granted: 'workers run without nice -20'" in refused
