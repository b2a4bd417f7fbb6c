"""Debian trees that hosts are booted from: made once by debootstrap, kept in a cache, and never written to again.

The cache is `$PLCTL_LAB_CACHE`, or /var/cache/plctl-lab. A tree takes a minute and a third of a gigabyte.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: What a host of a testbed has before plctl comes: an init, remote access, a Python, and the tools that sshd needs.
HOST_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-venv", "iproute2", "sudo",
)  # fmt: skip
#: What the machine needs, and the Debian packages in which it is.
_TOOLS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container"}
_DEBOOTSTRAP_S = 900


class TreeError(Exception):
    """A tree cannot be made; the message says what failed, and what to do."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which Debian, with which packages beyond the essential ones."""

    suite: str
    packages: tuple[str, ...] = HOST_PACKAGES

    @property
    def folder(self) -> str:
        """What its tree is called in the cache; other packages are another tree."""
        return f"{self.suite}-{zlib.crc32(' '.join(self.packages).encode()):08x}"


#: Debian 12, which has Python 3.11, and Debian 11, whose Python 3.9 is too old for plctl.
BOOKWORM, BULLSEYE = Recipe("bookworm"), Recipe("bullseye")
#: Debian 12 with all that a node or the head of a Slurm cluster needs, not configured.
SLURM = Recipe("bookworm", (*HOST_PACKAGES, "slurmctld", "slurmd", "slurm-client", "munge"))


def cache_folder() -> Path:
    """Where trees are kept."""
    return Path(os.environ.get("PLCTL_LAB_CACHE") or "/var/cache/plctl-lab").absolute()


def require_tools() -> None:
    """Install, by apt, what the laboratory needs of this machine and it lacks.

    :raises TreeError: that is impossible.
    """
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        return
    wish = f"the laboratory needs {' and '.join(missing)}: apt-get install {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        raise TreeError(f"{wish} (this machine has no apt-get; use Debian or Ubuntu)")
    _call(wish, ["apt-get", "-qq", "update"])
    _call(wish, ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *missing])


def make_tree(recipe: Recipe) -> Path:
    """The tree of `recipe`, from the cache or new. Whoever makes the same one at the same time is waited for.

    :raises TreeError: debootstrap fails, e.g. because Debian's mirror is out of reach.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    tree = cache / recipe.folder
    lock = os.open(cache / f"{recipe.folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            require_tools()
            partial = tree.with_suffix(".partial")
            _debootstrap(recipe, partial, lock)
            _finish(partial)
            partial.rename(tree)
    finally:
        os.close(lock)
    return tree


def _debootstrap(recipe: Recipe, folder: Path, lock: int) -> None:
    """Unpack and configure into `folder`, in place of what a killed predecessor left there.

    It holds `lock` too, so nobody starts again beside it should its starter be killed; and what it mounts, it mounts in
    a namespace that ends with it, so `folder` never holds anybody's /proc.
    """
    _call(f"remove {folder}", ["rm", "-rf", "--one-file-system", str(folder)])
    command = [
        "unshare", "--mount", "--propagation", "private", "--",
        "debootstrap", "--variant=minbase", f"--include={','.join(recipe.packages)}", recipe.suite, str(folder),
    ]  # fmt: skip
    _call(f"make a tree of Debian {recipe.suite}", command, pass_fds=(lock,))


def _finish(tree: Path) -> None:
    """Take out what every host must have for itself."""
    for path in (*tree.glob("etc/ssh/ssh_host_*"), *tree.glob("var/cache/apt/archives/*.deb")):
        path.unlink()
    (tree / "etc/machine-id").unlink(missing_ok=True)


def _call(attempt: str, command: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, pass_fds=pass_fds, timeout=_DEBOOTSTRAP_S,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise TreeError(f"cannot {attempt}: {' '.join(command)} failed:\n" + "\n".join(done.stdout.splitlines()[-10:]))
