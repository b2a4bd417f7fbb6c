"""Packs what a host needs to run an agent, so that it needs neither the internet nor a compiler.

One bundle serves all hosts of one Python version and one architecture: the contents of the wheels of plctl and of what
it depends on, laid out as in site-packages. Its name holds a digest of all that is in it, so equal bundles have equal
names and a host that has the name has the bundle.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from plctl.common.base.errors import PlctlError, UserError, WorldError
from plctl.common.base.private_file import locked
from plctl.deploy.bundle.wheel import find_wheel, run_pip

#: Of the C library that hosts have at least; each stands for all older ones.
_GLIBCS = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
_MACHINES = ("x86_64", "aarch64")


@dataclass(frozen=True, slots=True)
class Target:
    """The kind of host that a bundle is for."""

    python: str  #: 3.11
    machine: str  #: as uname(2) has it


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive on this machine, ready to be copied."""

    name: str  #: version, then a digest of the content
    version: str  #: of plctl
    path: Path
    sha256: str  #: of the archive
    size_bytes: int  #: unpacked


class Bundler:
    """Makes bundles, each once; safe to use from several threads."""

    def __init__(self, cache: Path | None = None, wheels: Sequence[Path] = ()) -> None:
        """Keep everything in `cache`; `wheels` of plctl are the user's."""
        self._cache = cache or cache_folder()
        self._wheels = tuple(wheels)
        self._lock = threading.Lock()
        self._made: dict[Target, Bundle | PlctlError] = {}

    def make(self, target: Target) -> Bundle:
        """The bundle for `target`.

        :raises UserError: there is no plctl for it, or no pip.
        :raises WorldError: something could not be built or fetched.
        """
        with self._lock, locked(self._cache):  # the latter against other processes
            if target not in self._made:
                try:
                    self._made[target] = self._make(target)
                except PlctlError as error:  # not tried anew for each host
                    self._made[target] = error
            made = self._made[target]
        if isinstance(made, PlctlError):
            raise made
        return made

    def _make(self, target: Target) -> Bundle:
        if target.machine not in _MACHINES:
            raise UserError(f"plctl is not packed for {target.machine}; it is for {' and '.join(_MACHINES)}")
        plctl = find_wheel(target.machine, self._cache, self._wheels)
        metadata = _metadata(plctl)
        files = dict(_unpack([plctl, *self._dependencies(target, metadata)]))
        version = _field(metadata, "Version")[0]
        digest = hashlib.sha256(f"{target.python} {target.machine}\n".encode())
        for name in sorted(files):
            digest.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
        path = self._cache / "bundles" / f"{version}-{digest.hexdigest()[:12]}.tar.gz"
        if not path.exists():
            _write_archive(path, files)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        size = sum(map(len, files.values()))
        return Bundle(path.name.removesuffix(".tar.gz"), version, path, sha256, size)

    def _dependencies(self, target: Target, metadata: str) -> list[Path]:
        """The wheels of all that plctl needs on `target`; fetched once for the same requirements."""
        needed = [line for line in _field(metadata, "Requires-Dist") if "extra ==" not in line]
        key = hashlib.sha256(repr((target, sorted(needed))).encode()).hexdigest()[:16]
        folder = self._cache / "dependencies" / key
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            fetched = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=folder.parent))
            try:
                run_pip("download", "--only-binary=:all:", *_tags(target), "--dest", str(fetched), *needed)
                fetched.replace(folder)
            except WorldError as error:
                raise WorldError(f"{error}; does this machine, not the host, reach a package index?") from None
            finally:
                shutil.rmtree(fetched, ignore_errors=True)
        return sorted(folder.glob("*.whl"))


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME`/plctl, or ~/.cache/plctl."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plctl"


def _tags(target: Target) -> list[str]:
    short = target.python.replace(".", "")
    abis = [option for abi in (f"cp{short}", "abi3", "none") for option in ("--abi", abi)]
    platforms = [option for glibc in _GLIBCS for option in ("--platform", f"manylinux_{glibc}_{target.machine}")]
    legacy = ["--platform", f"manylinux2014_{target.machine}"]
    return ["--python-version", target.python, "--implementation", "cp", *abis, *platforms, *legacy]


def _metadata(wheel: Path) -> str:
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            return archive.read(name).decode()
    except (OSError, zipfile.BadZipFile, StopIteration):
        raise UserError(f"{wheel} is no wheel") from None


def _field(metadata: str, name: str) -> list[str]:
    head = metadata.partition("\n\n")[0]
    return [line.partition(": ")[2] for line in head.splitlines() if line.startswith(f"{name}: ")]


def _unpack(wheels: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """The files of `wheels` as they lie in site-packages; what belongs elsewhere (scripts, headers) is left out."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                parts = PurePosixPath(info.filename).parts
                if len(parts) > 2 and parts[0].endswith(".data"):
                    parts = parts[2:] if parts[1] in ("purelib", "platlib") else ()
                if parts and not info.is_dir():
                    yield "/".join(parts), archive.read(info)


def _write_archive(path: Path, files: dict[str, bytes]) -> None:
    """The same files make the same archive: no times, owners or modes of this machine are in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name in sorted(files):
            info = tarfile.TarInfo(name)
            info.size = len(files[name])
            tar.addfile(info, io.BytesIO(files[name]))
    partial.replace(path)
