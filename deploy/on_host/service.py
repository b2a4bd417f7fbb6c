"""The agent's service on a host: started with a version, watched until its controller welcomes it, or stopped."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

from plctl.deploy.on_host.look import agents, show_service
from plctl.deploy.on_host.places import UNIT, HostError, Places, RunGoesOnError, link

_LOOK_EVERY_S = 0.1
_LAST_LINES = 3


def start(places: Places, bundle: str, timeout_s: float, *, busy_too: bool = False) -> list[dict[str, Any]]:
    """Make `bundle` the current version, (re)start the service and wait until its agent serves; what it then says.

    :param busy_too: also if a run goes on.
    :raises BusyError: a run goes on; nothing was changed.
    :raises HostError: the agent does not come up; with its own last words.
    """
    if not busy_too:
        refuse_busy(places)
    link(places.current, bundle)
    _systemctl("daemon-reload")
    _systemctl("enable", "--quiet", UNIT)
    since = time.time()
    _systemctl("reset-failed", UNIT, check=False)
    _systemctl("restart", "--no-block", UNIT)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        service = show_service()
        found = [agent for agent in agents(places) if str(agent.get("pid")) == service.get("MainPID")]
        if service.get("ActiveState") == "active" and any(agent.get("serving") for agent in found):
            return found
        if service.get("ActiveState") == "failed" or int(service.get("NRestarts", "0")) > 0:
            raise HostError(f"the agent does not start: {_last_words(since)}")
        time.sleep(_LOOK_EVERY_S)
    words = _last_words(since) or show_service().get("StatusText", "") or "it said nothing"
    raise HostError(f"the agent was not welcomed within {timeout_s:.0f} s: {words}")


def stop(places: Places, *, busy_too: bool = False, disable: bool = False) -> None:
    """Stop the service and wait for its end.

    :raises BusyError: a run goes on; nothing was changed.
    """
    if not busy_too:
        refuse_busy(places)
    if places.unit.exists():
        _systemctl("stop", UNIT)
        if disable:
            _systemctl("disable", "--quiet", UNIT)


def forget() -> None:
    """Let systemd notice that the unit is gone."""
    _systemctl("daemon-reload")
    _systemctl("reset-failed", UNIT, check=False)


def clean(places: Places) -> None:
    """Take away what a killed agent left, hand-made links aside.

    :raises HostError: something resists.
    """
    command = [str(places.current / "bin/plctl"), "clean"]
    if (places.current / "bin/plctl").exists():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HostError(" ".join((done.stderr or done.stdout).split()))


def refuse_busy(places: Places) -> None:
    """Return if no run goes on.

    :raises BusyError: one does; the message names it.
    """
    if runs := [run for agent in agents(places) for run in agent.get("runs", [])]:
        raise RunGoesOnError(f"a run goes on here ({', '.join(runs)}); with --wait it is waited for")


def _systemctl(*arguments: str, check: bool = True) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise HostError(f"systemctl {' '.join(arguments)}: {' '.join((done.stderr or done.stdout).split())}")


def _last_words(since: float) -> str:
    """What the service has said since then, as a sentence."""
    command = ["journalctl", "--unit", UNIT, f"--since=@{since:.0f}", "--output=json", "--no-pager", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    own = [str(line.get("MESSAGE", "")) for line in lines if line.get("_COMM") not in ("systemd", "(plctl)")]
    return " / ".join(own[-_LAST_LINES:])
