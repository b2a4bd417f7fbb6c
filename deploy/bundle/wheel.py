"""Finds plctl's own wheel for an architecture: given, built from the checkout that runs here, or packed again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from plctl.common.base.errors import UserError, WorldError
from plctl.common.base.interpreter import module_command

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip file can say
_SETUPTOOLS = "setuptools"


def find_wheel(machine: str, cache: Path, given: Sequence[Path] = ()) -> Path:
    """The wheel of plctl for hosts of the architecture `machine`, such as x86_64.

    :param given: wheels that the user has; theirs comes first.
    :raises UserError: there is none and none can be made here; the message says how to get one.
    :raises WorldError: building it failed.
    """
    for path in given:
        if path.name.startswith("plctl-") and path.name.endswith(f"_{machine}.whl"):
            return path
    if machine != platform.machine():
        raise UserError(
            f"there is no plctl for {machine} here: on such a machine run `pip wheel --no-deps .` in a checkout of "
            "plctl, and give the file with --wheel"
        )
    plctl = _distribution()
    checkout = _checkout(plctl)
    return _build(checkout, cache) if checkout else _pack(plctl, cache, machine)


def _distribution() -> Distribution:
    try:
        return distribution("plctl")
    except PackageNotFoundError:
        raise UserError("plctl is not installed here, so its wheel cannot be made; give one with --wheel") from None


def _checkout(plctl: Distribution) -> Path | None:
    """The folder of an editable installation; None if it is none."""
    facts = json.loads(plctl.read_text("direct_url.json") or "{}")
    if not facts.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(facts["url"]).path))


def _build(checkout: Path, cache: Path) -> Path:
    """The wheel of a checkout's present state. It is built from a copy, so that nothing is left in the checkout."""
    files = _sources(checkout)
    hasher = hashlib.sha256()
    for path in files:
        hasher.update(f"{path.relative_to(checkout)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    folder = cache / "wheels" / hasher.hexdigest()[:16]
    if not (found := list(folder.glob("plctl-*.whl"))):
        copy = folder / "sources"
        shutil.rmtree(copy, ignore_errors=True)
        for path in files:
            target = copy / path.relative_to(checkout)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        offline = [] if _lacks_setuptools() else ["--no-build-isolation"]
        # Debugging information would name the folder, and equal sources would not make equal wheels.
        flags = f"{os.environ.get('CFLAGS', '')} -ffile-prefix-map={copy}=plctl".strip()
        run_pip("wheel", "--no-deps", *offline, "--wheel-dir", str(folder), str(copy), CFLAGS=flags)
        shutil.rmtree(copy)
        found = list(folder.glob("plctl-*.whl"))
    return found[0]


def _sources(checkout: Path) -> list[Path]:
    """Every file that takes part in building, by name."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())
    folders = {Path(folder).parts[0] for folder in project["tool"]["setuptools"]["package-dir"].values()}
    names = ["pyproject.toml", "setup.py", project["project"]["readme"], *project["project"]["license-files"]]
    files = [path for folder in folders for path in (checkout / folder).rglob("*") if path.is_file()]
    wanted = [path for path in files if path.suffix not in (".so", ".pyc")]
    return sorted([*wanted, *(checkout / name for name in names)])


def _lacks_setuptools() -> bool:
    try:
        return int(distribution(_SETUPTOOLS).version.partition(".")[0]) < 80  # what pyproject.toml asks for
    except PackageNotFoundError:
        return True


def _pack(plctl: Distribution, cache: Path, machine: str) -> Path:
    """A wheel of the files of an installation that pip made: they are the same wherever they lie."""
    files = [file for file in plctl.files or () if file.parts[0] == "plctl" or file.parts[0].endswith(".dist-info")]
    kept = sorted(file for file in files if file.suffix != ".pyc")
    if not any(file.name == "_core.abi3.so" for file in kept):
        raise UserError("this installation of plctl does not say which files it consists of; give a wheel with --wheel")
    path = cache / "wheels" / f"plctl-{plctl.version}-cp311-abi3-linux_{machine}.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for file in kept:
            wheel.writestr(zipfile.ZipInfo(str(file), _EARLIEST), Path(file.locate()).read_bytes())
    return path


def run_pip(*arguments: str, **environment: str) -> None:
    """Run the pip of this Python, with some variables set.

    :raises UserError: there is none.
    :raises WorldError: it failed; with its own last words.
    """
    command = module_command("pip", "--disable-pip-version-check", "--quiet", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if "No module named pip" in done.stderr:
        raise UserError(
            f"what hosts need is fetched by pip, which {sys.executable} does not have: apt install python3-pip"
        )
    if done.returncode != 0:
        lines = done.stderr.splitlines() or [f"exit status {done.returncode}"]
        said = [line for line in lines if line.startswith("ERROR")] or lines
        raise WorldError(f"pip {arguments[0]} failed: {said[-1].removeprefix('ERROR: ')}")
