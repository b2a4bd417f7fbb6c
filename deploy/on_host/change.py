"""What is changed on a host: files come, a version is installed, keys and unit are written; each can be taken back."""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from typing import BinaryIO

from plctl.deploy.on_host.look import read_key
from plctl.deploy.on_host.places import (
    HostError,
    Places,
    digest,
    files_in,
    forget_state,
    link,
    remove_bundle,
    remove_empty,
    write,
)

_PIECE = 2**18


def receive(places: Places, bundle: str, sha256: str, stream: BinaryIO) -> None:
    """Keep what comes by `stream` as the archive of `bundle`.

    :raises HostError: it cannot be written, or is not what was sent.
    """
    path = places.incoming / f"{bundle}.tar.gz"
    hasher = hashlib.sha256()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            while piece := stream.read(_PIECE):
                hasher.update(piece)
                file.write(piece)
    except OSError as error:
        with contextlib.suppress(OSError):  # the same trouble once more
            discard(places, bundle)
        raise HostError(f"cannot write {path}: {error.strerror}") from None
    if hasher.hexdigest() != sha256:
        discard(places, bundle)
        raise HostError(f"{path} came incomplete")


def discard(places: Places, bundle: str) -> None:
    """Take an archive away, and the folders that were made for it."""
    (places.incoming / f"{bundle}.tar.gz").unlink(missing_ok=True)
    remove_empty(places.opt)


def install(places: Places, bundle: str) -> None:
    """Make a virtual environment of the archive of `bundle` and try whether it works; the archive is used up.

    :raises HostError: it cannot be written, or does not work here; nothing of it is left.
    """
    folder = places.version(bundle)
    remove_bundle(places, bundle)
    if folder.exists():
        raise HostError(f"{folder} is there already and was not put there by plctl deploy; move it away first")
    places.write_manifest(bundle, {"whole": False})
    try:
        _make_environment(places.incoming / f"{bundle}.tar.gz", folder)
        files = {str(path.relative_to(folder)): digest(path) for path in folder.rglob("*") if _is_file(path)}
        _try(folder)
        places.write_manifest(bundle, {"whole": True, "files": files})
    except OSError as error:
        uninstall(places, bundle)
        raise HostError(f"cannot install {folder}: {error.strerror or error}") from None
    except HostError:
        uninstall(places, bundle)
        raise
    discard(places, bundle)


def uninstall(places: Places, bundle: str) -> None:
    """Take a version away, which must not be the current one."""
    remove_bundle(places, bundle)
    discard(places, bundle)


def set_keys(places: Places, key: str, controller_public: str) -> None:
    """Write the agent's key pair and the controller's public key; an earlier pair is kept until `finish`.

    :raises HostError: there are keys that we did not put there, or they cannot be written.
    """
    for path in (places.key, places.old_key, places.controller_public):
        places.own(path)
    if places.key.exists():
        places.key.replace(places.old_key)
    write(places.key, key, 0o600)
    write(places.controller_public, controller_public + "\n", 0o644)


def restore_keys(places: Places, key_public: str, controller_public: str) -> None:
    """Undo `set_keys`, however far it came; the public keys are those of before, or empty.

    :raises HostError: they cannot be written.
    """
    if places.is_ours(places.key) and read_key(places).get("public", "") != key_public:
        places.key.unlink(missing_ok=True)
        if places.old_key.exists():
            places.old_key.replace(places.key)
    if controller_public:
        write(places.controller_public, controller_public + "\n", 0o644)
    for path in (places.key, places.old_key, places.controller_public):
        if not path.exists() or (path == places.controller_public and not controller_public):
            places.disown(path)
    remove_empty(places.keys)


def set_unit(places: Places, text: str) -> None:
    """Write the unit, or remove it if `text` is empty.

    :raises HostError: there is one that we did not put there, or it cannot be written.
    """
    if text:
        places.own(places.unit)
        write(places.unit, text, 0o644)
    else:
        places.disown(places.unit)


def finish(places: Places, bundle: str) -> list[str]:
    """Take away what the current version `bundle` has replaced; the paths of strangers' files that stay."""
    left = [path for old in places.bundles() if old != bundle for path in remove_bundle(places, old)]
    places.disown(places.old_key)
    for path in places.incoming.glob("*.tar.gz"):
        discard(places, path.name.removesuffix(".tar.gz"))
    return left


def remove_all(places: Places) -> list[str]:
    """Take away everything that is on record; the paths of strangers' files that stay in our folders."""
    link(places.current, "")
    for bundle in places.bundles():
        remove_bundle(places, bundle)
    for path in (places.key, places.old_key, places.controller_public, places.unit):
        places.disown(path)
    for path in places.incoming.glob("*.tar.gz"):
        path.unlink()
    for folder in (places.opt, places.keys):
        if folder.is_dir():
            remove_empty(folder)
    forget_state(places.run)
    return [path for folder in (places.opt, places.keys) for path in files_in(folder)]


def _make_environment(archive: Path, folder: Path) -> None:
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    packages = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    unpack(archive, packages)
    script = folder / "bin/plctl"
    script.write_text(f"#!{folder}/bin/python -I\nfrom plctl.common.cli.start import main\n\nmain()\n")
    script.chmod(0o755)
    compileall.compile_dir(packages, quiet=2)


def unpack(archive: Path, packages: Path) -> None:
    """Lay the files of a bundle into the folder `packages`. OSErrors pass.

    :raises HostError: there is something in it that no bundle of ours has.
    """
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            target = packages / member.name
            if not member.isfile() or ".." in target.parts or not target.is_relative_to(packages):
                raise HostError(f"{archive} holds {member.name!r}, which does not belong there")
            content = tar.extractfile(member)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read() if content else b"")


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _try(folder: Path) -> None:
    """Does it start, and can it carry links here? Both say so themselves."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    trial = "import zmq, msgpack, pyroute2, plctl.agent.native._core"
    for command in ([f"{folder}/bin/python", "-I", "-c", trial], [f"{folder}/bin/plctl", "doctor", "--brief"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
            raise HostError(lines[-1] if command[-1] == trial else " ".join(lines))
