"""Runs `plctl doctor` on the host: of the installed version, else of one that comes along and goes again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from plctl.deploy.on_host.change import unpack
from plctl.deploy.on_host.places import HostError, Places

_MAIN = "from plctl.common.cli.start import main; main()"


def doctor(places: Places, archive: BinaryIO | None) -> dict[str, Any] | None:
    """The doctor's document; `archive` is a bundle to use where nothing is installed.

    None if nothing is installed and there is no `archive`.

    :raises HostError: it did not come to a finding; in its own words.
    """
    installed = places.current / "bin/plctl"
    if archive is None:
        return _run([str(installed)], {}) if os.access(installed, os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="plctl-doctor-") as folder:
        packed = Path(folder) / "bundle.tar.gz"
        packed.write_bytes(archive.read())
        unpack(packed, Path(folder) / "packages")
        environment = {"PYTHONPATH": f"{folder}/packages", "PYTHONDONTWRITEBYTECODE": "1"}
        return _run([sys.executable, "-P", "-c", _MAIN], environment)


def _run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [*command, "doctor", "--json"],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        words = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise HostError(f"the doctor came to no finding: {words}") from None
    return document
