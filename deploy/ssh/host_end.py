"""Packs our end of the connection on a host (`on_host`), as it is sent there."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib.resources import files

#: Standard input begins with `program`, as many bytes as the argument says, and lives there in memory only.
BOOT = (
    "import os,sys;f=os.memfd_create('plctl');n=int(sys.argv[1])\n"
    "while n:n-=os.write(f,sys.stdin.buffer.read(n))\n"
    "sys.path.insert(0,f'/proc/self/fd/{f}')\n"
    "from plctl.deploy.on_host.main import main;main()"
)


@cache
def program() -> bytes:
    """The host's end as a zip file from which Python can import."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in ("plctl", "plctl/deploy"):
            archive.writestr(f"{package}/__init__.py", "")
        for path in files("plctl.deploy.on_host").iterdir():
            if path.name.endswith(".py"):
                archive.writestr(f"plctl/deploy/on_host/{path.name}", path.read_bytes())
    return buffer.getvalue()
