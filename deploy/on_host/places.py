"""Where things lie on a host, and the record of what was put there: only what it names is ever removed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

UNIT = "plctl-agent.service"


class HostError(Exception):
    """Something on this host is not as it must be; the message is for whoever deploys."""


class RunGoesOnError(HostError):
    """A run goes on; nothing was changed."""


class Places:
    """All paths, below `root`, which is ``/`` on a host."""

    def __init__(self, root: str = "/") -> None:
        top = Path(root)
        self.opt = top / "opt/plctl"
        self.current = self.opt / "current"
        self.incoming = self.opt / "incoming"
        self.manifests = self.opt / "manifests"
        self.keys = top / "etc/plctl"
        self.key = self.keys / "agent.key"
        self.old_key = self.keys / "agent.key.old"
        self.controller_public = self.keys / "controller.pub"
        self.run = top / "run/plctl"  #: plctl's state, gone at the next boot
        self.unit = top / "etc/systemd/system" / UNIT

    def version(self, bundle: str) -> Path:
        """The folder of an installed bundle."""
        return self.opt / bundle

    def plctl(self, bundle: str) -> str:
        """The command in it."""
        return str(self.version(bundle) / "bin/plctl")

    # --- the record

    def read_manifest(self, name: str) -> dict[str, Any]:
        """What is on record under `name`: a bundle, or ``host``; empty if nothing."""
        try:
            found = json.loads((self.manifests / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_manifest(self, name: str, content: dict[str, Any]) -> None:
        """Put `content` on record; before anything is made that it speaks of."""
        write(self.manifests / f"{name}.json", json.dumps(content, indent=1), 0o644)

    def bundles(self) -> list[str]:
        """All bundles on record, whole or not."""
        found = (path.stem for path in self.manifests.glob("*.json"))
        return sorted(name for name in found if name != "host")

    def is_ours(self, path: Path) -> bool:
        """Whether a file outside of /opt is on record."""
        return str(path) in self.read_manifest("host").get("files", [])

    def own(self, path: Path) -> None:
        """Put a file outside of /opt on record, or refuse.

        :raises HostError: there is one that is not on record.
        """
        if self.is_ours(path):
            return
        if path.exists():
            raise HostError(f"{path} is there already and was not put there by plctl deploy; move it away first")
        record = self.read_manifest("host")
        self.write_manifest("host", {**record, "files": [*record.get("files", []), str(path)]})

    def disown(self, path: Path) -> None:
        """Remove a file outside of /opt, if it is on record, and strike it."""
        if self.is_ours(path):
            path.unlink(missing_ok=True)
            record = self.read_manifest("host")
            if left := [file for file in record["files"] if file != str(path)]:
                self.write_manifest("host", {**record, "files": left})
            else:
                (self.manifests / "host.json").unlink()


def write(path: Path, text: str, mode: int) -> None:
    """Make or replace a file, so that a reader sees the old text or the new one. Its folder is made if need be.

    :raises HostError: it cannot be written.
    """
    temporary = ""
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o755 if mode & 0o044 else 0o700, parents=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise HostError(f"cannot write {path}: {error.strerror}") from None


def link(path: Path, target: str) -> None:
    """Let the symbolic link `path` lead to `target`, at once for whoever follows it; to nothing if empty."""
    if not target:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)


def digest(path: Path) -> str:
    """The SHA-256 of a file's content; of a link its target's name."""
    if path.is_symlink():
        return "-> " + str(path.readlink())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_bundle(places: Places, bundle: str) -> list[str]:
    """Remove what is on record of `bundle`; the paths of strangers' files that keep its folder there."""
    record, folder = places.read_manifest(bundle), places.version(bundle)
    if not record.get("whole"):  # it was being made by us, and by nobody else
        shutil.rmtree(folder, ignore_errors=True)
    for name in record.get("files", {}):
        (folder / name).unlink(missing_ok=True)
    remove_empty(folder)
    (places.manifests / f"{bundle}.json").unlink(missing_ok=True)
    return files_in(folder)


def files_in(folder: Path) -> list[str]:
    """The paths of all files and links in `folder`; none if there is no such folder."""
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]


def forget_state(folder: Path) -> None:
    """Remove plctl's state folder, if nothing is in it but its lock and nobody holds that."""
    try:
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if [path.name for path in folder.iterdir()] == [".lock"]:
                (folder / ".lock").unlink()
                folder.rmdir()
    except OSError:  # there is none, or it is in use: it stays
        return


def remove_empty(folder: Path) -> None:
    """Remove `folder` and all within it that is an empty folder."""
    for path in sorted([p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink()], reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
