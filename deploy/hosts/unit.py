"""The systemd unit of an agent: its text from the template beside this file."""

from __future__ import annotations

import re
import shlex
from importlib.resources import files

from plctl.common.base.errors import UserError

UNIT = "plctl-agent.service"

_ADDRESS = re.compile(r"tcp://[A-Za-z0-9._:\[\]-]+:[0-9]{1,5}")


def unit_text(plctl: str, controller: str, keys: str) -> str:
    """The unit that starts the agent of the program `plctl` for the controller at `controller` with the folder `keys`.

    :raises UserError: `controller` is no address that an agent can connect to over the network.
    """
    if not _ADDRESS.fullmatch(controller):
        raise UserError(f"{controller!r:.80} is no controller's address; write tcp://HOST:PORT")
    text = files("plctl.deploy.hosts").joinpath(UNIT).read_text(encoding="utf-8")
    for word, value in {"plctl": plctl, "controller": controller, "keys": keys}.items():
        text = text.replace(f"@{word}@", shlex.quote(value.replace("%", "%%")))
    return text
