"""TCP sockets at the ends of a link are seen as the kernel has them, in a run and by hand."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plctl.agent.kernel import link_namespaces, namespace
from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.telemetry.socket_stats import LinkSockets
from plctl.common.base.errors import KernelError
from plctl.common.plan.run_plan import LinkPlan

PLCTL = [sys.executable, "-m", "plctl.common"]
#: Sends for two seconds from the client to the server, over IPv4 and IPv6 at once; from the first on with Reno.
TRANSFER = """
import socket, sys, threading, time
def serve(family):
    with socket.create_server(("", 9000), family=family) as listener:
        connection, _ = listener.accept()
        while connection.recv(65536): pass
def send(host):
    with socket.create_connection((host, 9000)) as connection:
        for algorithm in (b"cubic", b"reno"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, algorithm)
            until = time.monotonic() + 1
            while time.monotonic() < until: connection.sendall(bytes(10000))
jobs = {"serve": [(serve, socket.AF_INET), (serve, socket.AF_INET6)],
        "send": [(send, "192.168.66.2"), (send, "fd66::2")]}[sys.argv[1]]
threads = [threading.Thread(target=job, args=(argument,)) for job, argument in jobs]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
SPEC = """
name: sockets
duration: 3s
socket_stats: 50ms
links:
  - name: leo
    count: 2
    scenario: leo.csv
    workload:
      - {{at: server, command: [{python}, {script}, serve], ready: {{tcp: 9000}}}}
      - {{at: client, command: [{python}, {script}, send], start: 0s}}
"""


def wait_until(condition: Callable[[], object]) -> None:
    """Look until `condition` holds, for a minute at most."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@contextmanager
def connected(namespaces: LinkNamespaces, family: int, address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's connection to its own namespace's loopback, which is up, and the server's end of it."""
    listener = namespace.open_socket(namespaces.client, family, socket.SOCK_STREAM)
    client = namespace.open_socket(namespaces.client, family, socket.SOCK_STREAM)
    with closing(listener), closing(client):
        listener.bind((address, 0))
        listener.listen()
        client.connect(listener.getsockname()[:2])
        server, _ = listener.accept()
        with closing(server):
            yield client, server


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_is_seen_from_both_its_sockets(
    namespaces: LinkNamespaces, ledger: Ledger, plan: LinkPlan, family: int, address: str
) -> None:
    """Addresses are those of the sockets, the kernel's own figures agree, and listeners are left out."""
    link_namespaces.build(namespaces, plan, ledger)
    try:
        with (
            connected(namespaces, family, address) as (client, server),
            closing(LinkSockets("leo-0", namespaces)) as sockets,
        ):
            client.sendall(bytes(5000))
            assert 5000 == len(server.recv(5000, socket.MSG_WAITALL))
            found = {flow.local_port: (flow, sample) for flow, sample in sockets.read(7)}
            assert {client.getsockname()[1], server.getsockname()[1]} == found.keys()
            flow, sample = found[client.getsockname()[1]]
            assert ("leo-0", "client", address, address) == (flow.link, flow.end, flow.local, flow.remote)
            algorithm = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()
            assert (server.getsockname()[1], algorithm) == (flow.remote_port, flow.congestion_control)
            assert (7, 1, 5000) == (sample.t_ns, sample.state, found[server.getsockname()[1]][1].bytes_received)
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) == sample.mss_bytes
            assert sample.cwnd_segments * sample.mss_bytes == sample.cwnd_bytes > 0
            assert sample.srtt_ns > 0
    finally:
        link_namespaces.remove(namespaces, ledger)


def test_a_link_that_is_gone_is_told_in_a_sentence(unique: str) -> None:
    """The sentence names the namespace, and nothing stays open."""
    with pytest.raises(KernelError, match=f"cannot enter the namespace {unique}-client: No such file"):
        LinkSockets("leo-0", LinkNamespaces.prefixed(unique))


def test_a_run_leaves_a_file_of_its_sockets(tmp_path: Path) -> None:
    """Every connection of every link is there from both ends, with its addresses, over its life; the sender's window
    and round-trip time are those of a path with 20 ms each way."""
    script = tmp_path / "transfer.py"
    script.write_text(TRANSFER)
    (tmp_path / "leo.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,20,20\n")
    (tmp_path / "sockets.yaml").write_text(SPEC.format(python=sys.executable, script=script))
    command = [*PLCTL, "run", "sockets.yaml", "--no-report", "--json"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert json.loads(finished.stdout)["verdict"] in ("ok", "late", "skewed"), finished.stdout + finished.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    rows = pq.read_table(folder / "socket_stats.parquet", use_threads=False).to_pylist()
    ends = {(row["link"], row["end"], row["local"], row["remote"]) for row in rows}
    pairs = [("192.168.22.2", "192.168.66.2"), ("fd22::2", "fd66::2")]
    expected = {
        each
        for link in ("leo-0", "leo-1")
        for client, server in pairs
        for each in ((link, "client", client, server), (link, "server", server, client))
    }
    assert expected == ends
    assert all(row["t_controller_ns"] == row["t_ns"] and 0 <= row["t_s"] <= 3.5 for row in rows)
    for link, client in (("leo-0", "192.168.22.2"), ("leo-1", "fd22::2")):
        sender = [row for row in rows if (row["link"], row["local"]) == (link, client) and row["end"] == "client"]
        assert "established" in {row["state"] for row in sender}
        acked = [row["bytes_acked"] for row in sender]
        assert acked == sorted(acked)
        assert acked[-1] > 100_000
        # A little more, of which the kernel counts whole milliseconds where it has only the timestamps to go by.
        assert min(row["min_rtt_ns"] for row in sender if row["min_rtt_ns"] > 0) >= 40_000_000
        assert max(row["cwnd_bytes"] for row in sender) > 14_480
        assert {9000} == {row["remote_port"] for row in sender}
        assert ["cubic", "reno"] == [name for name, _ in groupby(row["congestion_control"] for row in sender)][-2:]
    log = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    changes = [each for each in log if each["event"] == "socket.congestion_control" and each["was"] == "cubic"]
    senders = {(link, "client", local) for link in ("leo-0", "leo-1") for local in ("192.168.22.2", "fd22::2")}
    assert senders == {(each["link"], each["end"], each["local"]) for each in changes}
    assert all(("reno", True) == (each["now"], 0 < each["after_t0_s"] < 3) for each in changes)


@pytest.fixture
def hand_link(state: Path, unique: str) -> str:
    """The name of a link that is set up; the state's end removes it."""
    assert state.is_dir()
    subprocess.run([*PLCTL, "link", "setup", "-n", unique], check=True, capture_output=True, timeout=60)
    return unique


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_link_socket_stats_writes_what_it_sees(hand_link: str, tmp_path: Path, suffix: str) -> None:
    """`plctl link socket-stats` appends a line for each socket and look, as CSV or JSON, until SIGINT."""
    path = tmp_path / f"sockets.{suffix}"
    command = [*PLCTL, "link", "socket-stats", str(path), "-n", hand_link, "--interval", "20ms"]
    namespaces = LinkNamespaces.prefixed(f"pl-link-{hand_link}")
    with (
        connected(namespaces, socket.AF_INET, "127.0.0.1") as (client, _),
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
    ):
        wait_until(lambda: process.poll() is not None or (path.exists() and path.read_text().count("\n") > 8))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        port = client.getsockname()[1]
    assert 0 == process.returncode, errors
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)] if suffix == "csv" else [json.loads(line) for line in file]
    mine = [row for row in rows if int(row["local_port"]) == port]
    assert len(mine) > 2
    assert {("client", "127.0.0.1", "established")} == {(row["end"], row["local"], row["state"]) for row in mine}
    times = [int(row["t_ns"]) for row in mine]
    assert times == sorted(set(times))


def test_link_socket_stats_ends_with_its_link(hand_link: str, tmp_path: Path) -> None:
    """Tearing the link down ends it: it would keep the namespaces alive else."""
    path = tmp_path / "sockets.csv"
    command = [*PLCTL, "link", "socket-stats", str(path), "-n", hand_link, "--interval", "20ms"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: process.poll() is not None or (path.exists() and path.read_text()))
        subprocess.run([*PLCTL, "link", "teardown", "-n", hand_link], check=True, capture_output=True, timeout=60)
        _, errors = process.communicate(timeout=30)
    assert (0, f"wrote 0 lines to {path}\n") == (process.returncode, errors)


def test_a_file_that_cannot_be_written_is_told_in_a_sentence(hand_link: str, tmp_path: Path) -> None:
    """Before anything is looked at."""
    command = [*PLCTL, "link", "socket-stats", str(tmp_path / "no" / "sockets.csv"), "-n", hand_link]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert 2 == finished.returncode
    assert "sockets.csv: No such file or directory" in finished.stderr
