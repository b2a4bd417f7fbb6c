"""tshark reads what hosts of a laboratory logged, merged on the controller's clock: live from a controller, and after.

The hosts' monotonic clocks differ by hours. The clock of the day, which no record of a packet has, is the same for all.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.packets.captures import tshark

HOSTS = 3
PLCTL = f"{sys.executable} -P -m plctl.common"
SPEC = """
name: merged
budget: {lateness: 1s, skew: 1s, workload: 1s}
links:
  - name: leo
    count: 3
    scenario: path.csv
    packets: {capture: 128B}
    workload:
      - {at: client, command: [PYTHON, -c, "SENDER", "{server}"], start: 0s}
"""
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,7,15,4\n"
COUNT = 100
#: Sends datagrams whose length tells their number, and prints the time of the day before and after each.
SENDER = """
import socket, sys, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(100):
    before = time.time_ns()
    out.sendto(bytes(200 + number), (sys.argv[1], 9))
    print(number, before, time.time_ns(), flush=True)
    time.sleep(0.02)
"""
#: On the workstation: begin the run, follow it into tshark, have its results, and write them as a capture.
SCRIPT = """
{plctl} run merged.yaml --detach > run.txt &&
{plctl} packets "$(cat run.txt)" --all --live | {tshark} > live.txt &&
{plctl} fetch "$(cat run.txt)" --out runs &&
{plctl} packets last --all --pcapng merged.pcapng
exit $?
"""
#: Ethernet, IPv4 and UDP.
HEADERS_BYTES = 14 + 20 + 8
FIELDS = ("frame.time_epoch", "frame.interface_name", "frame.len", "frame.packet_id", "frame.comment", "udp.dstport")
#: Between a clock reading in a program on a busy machine and its frame there may be this much and no more.
NEAR_NS = 50_000_000


def sent_at(folder: Path, link: str) -> dict[int, tuple[int, int]]:
    """Number of a datagram → the time of the day before and after it was sent."""
    text = (folder / "artifacts" / link / "client.stdout").read_text()
    return {int(number): (int(before), int(after)) for number, before, after in map(str.split, text.splitlines())}


def bounds_ns(capture: Path) -> dict[str, int]:
    """Host → how exactly its clock was known, as the capture itself says."""
    told = subprocess.run(["capinfos", "-k", capture], capture_output=True, text=True, check=True).stdout
    return {host: int(bound) for host, bound in re.findall(r"host (h\d+): .*known to within (\d+) ns", told)}


def check(text: str, sent: Mapping[str, Mapping[int, tuple[int, int]]], slack_ns: int) -> None:
    """Each datagram entered its link between the readings around it, and left 15 ms later or more."""
    entered: dict[str, set[int]] = {link: set() for link in sent}
    for line in text.splitlines():
        instant, interface, length, _, comment, port = line.split("\t")
        if port != "9" or comment.startswith("down "):  # what answers, that nobody listens, tells of it
            continue
        (link, end), number = interface.split(), int(length) - HEADERS_BYTES - 200
        before_ns, after_ns = sent[link][number]
        seconds, nanoseconds = instant.split(".")
        t_ns = int(seconds) * 10**9 + int(nanoseconds)
        if end == "client":
            assert before_ns - slack_ns <= t_ns <= after_ns + slack_ns, (line, before_ns, after_ns)
            entered[link].add(number)
        else:
            assert "delivered to the server" in comment
            assert before_ns + 15_000_000 - slack_ns <= t_ns <= after_ns + NEAR_NS + slack_ns, line
    assert {link: set(range(COUNT)) for link in sent} == entered


def test_captures_of_many_hosts_merge_on_one_clock(tmp_path: Path) -> None:
    """Every datagram of three hosts is where the clock of the day has it, within what the capture promises."""
    (tmp_path / "path.csv").write_text(SCENARIO)
    sender = SENDER.replace("\n", "\\n").replace('"', '\\"')
    (tmp_path / "merged.yaml").write_text(SPEC.replace("PYTHON", sys.executable).replace("SENDER", sender))
    script = SCRIPT.format(plctl=PLCTL, tshark=" ".join(f"'{word}'" for word in tshark("-i", "-", fields=FIELDS)))
    done = subprocess.run(
        [*PLCTL.split(), "lab", "up", str(HOSTS), "--name", "w" + secrets.token_hex(3), "--serve"],
        input=script, env={**os.environ, "SHELL": "/bin/bash"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    sent = {f"leo-{n}": sent_at(folder, f"leo-{n}") for n in range(HOSTS)}
    bounds = bounds_ns(tmp_path / "merged.pcapng")
    assert {f"h{n}" for n in range(1, HOSTS + 1)} == bounds.keys()
    whole = subprocess.run(
        tshark("-r", str(tmp_path / "merged.pcapng"), fields=FIELDS), capture_output=True, text=True, check=True
    ).stdout
    slack_ns = max(bounds.values()) + 1000  # of T0 the record has microseconds
    check((tmp_path / "live.txt").read_text(), sent, slack_ns)
    check(whole, sent, slack_ns)
    instants = [line.split("\t")[0] for line in whole.splitlines()]
    assert sorted(instants) == instants
