"""A small study with traffic, for the hosts of a laboratory."""

from __future__ import annotations

import json

from lab.control import Control

_SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n1000,1,2,20\n"

#: Verdicts of a run that went through. All hosts share the CPUs of one machine, which may wake a forwarder too late for
#: the budgets of an undisturbed one; those are held by other tests.
RAN = ("ok", "late", "skewed")


def write_spec(control: Control, duration: str, links: int = 6) -> str:
    """A run of `links` links with traffic, spread over the hosts; the path of its spec on the controller's seat."""
    (control.seat.home / "steps.csv").write_text(_SCENARIO)
    client = "plctl probe client {server} --rate 50pps --count 20"
    workload = [
        {"at": "server", "command": "plctl probe server", "ready": {"udp": 8622}},
        {"at": "client", "command": client, "start": "0s"},
    ]
    link = {"name": "leo", "count": links, "scenario": "steps.csv", "workload": workload}
    path = control.seat.home / "study.yaml"
    path.write_text(json.dumps({"name": "study", "duration": duration, "links": [link]}))
    return str(path)
