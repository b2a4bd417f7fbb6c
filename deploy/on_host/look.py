"""What a host is and has: the facts by which it is decided what to change. Changes nothing."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

from plctl.deploy.on_host.places import UNIT, Places, digest

_DISCIPLINES = ("chronyd", "chrony", "ptp4l", "phc2sys", "ntpd", "ntpsec", "systemd-timesyncd")


def inspect(places: Places) -> dict[str, Any]:
    """All facts as plain values; text is empty where there is nothing."""
    service = show_service()
    return {
        "os": platform.freedesktop_os_release().get("PRETTY_NAME", "") if Path("/etc/os-release").exists() else "",
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "root": os.geteuid() == 0,
        "systemd": Path("/run/systemd/system").is_dir(),
        "free_bytes": _free_bytes(places.opt),
        "clock": _clock_discipline(),
        "open_files": _limit(resource.RLIMIT_NOFILE),
        "locked_memory": _limit(resource.RLIMIT_MEMLOCK),
        "bundles": [bundle for bundle in places.bundles() if is_whole(places, bundle)],
        "broken": [bundle for bundle in places.bundles() if not is_whole(places, bundle)],
        "current": places.current.readlink().name if places.current.is_symlink() else "",
        "key_public": read_key(places).get("public", ""),
        "key_name": read_key(places).get("name", ""),
        "controller_public": _text(places.controller_public).strip(),
        "unit": _text(places.unit),
        "strangers": [
            str(path)
            for path in (places.key, places.controller_public, places.unit)
            if path.exists() and not places.is_ours(path)
        ],
        "enabled": service.get("UnitFileState") == "enabled",
        "active": service.get("ActiveState", ""),
        "agents": agents(places),
    }


def is_whole(places: Places, bundle: str) -> bool:
    """Whether every file of `bundle` is there with the content that was put there, and its Python runs."""
    record, folder = places.read_manifest(bundle), places.version(bundle)
    try:
        if not record.get("whole") or any(digest(folder / name) != known for name, known in record["files"].items()):
            return False
    except OSError:
        return False
    return os.access(folder / "bin/python", os.X_OK)


def agents(places: Places) -> list[dict[str, Any]]:
    """What the installed plctl says of the agents that live here."""
    if not os.access(places.current / "bin/plctl", os.X_OK):
        return []
    command = [str(places.current / "bin/plctl"), "agent", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def show_service() -> dict[str, str]:
    """What systemd says of the agent's service; empty where there is no systemd."""
    if not shutil.which("systemctl"):
        return {}
    properties = "ActiveState,SubState,UnitFileState,NRestarts,StatusText,MainPID"
    done = subprocess.run(["systemctl", "show", UNIT, "-p", properties], capture_output=True, text=True, check=False)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def _free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _clock_discipline() -> str:
    """Who keeps the wall clock, as far as processes' names tell."""
    running = {_text(path).strip() for path in Path("/proc").glob("[0-9]*/comm")}
    return ", ".join(name for name in _DISCIPLINES if name[:15] in running)  # the kernel keeps 15 characters


def _limit(which: int) -> int:
    """The hard limit; -1: none."""
    return resource.getrlimit(which)[1]


def read_key(places: Places) -> dict[str, str]:
    """Name and public half of the agent's key; never the secret."""
    try:
        pair = json.loads(places.key.read_text())
        return {"name": str(pair["name"]), "public": str(pair["public"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
