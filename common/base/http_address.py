"""Where something is served over HTTP: what a user writes for it, and whether only this machine can come."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from plctl.common.base.errors import UserError


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """A host's address or name, and a port; 0 is any that is free."""

    host: str
    port: int

    @property
    def only_loopback(self) -> bool:
        """Whether nobody but this machine can come."""
        return is_loopback(self.host)


def parse_http_address(text: str, what: str) -> HttpAddress:
    """The address that `text` says: ``HOST:PORT``, ``[IPV6]:PORT``, or a port of 127.0.0.1.

    :param what: is served there, for messages.
    :raises UserError: it says none.
    """
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdigit() and int(port) < 2**16) or (":" in bare and bare == host):
        raise UserError(f"{text!r:.80} is no address for {what}; it is like 127.0.0.1:8780 or [::1]:8780")
    return HttpAddress(bare or "127.0.0.1", int(port))


def is_loopback(name: str) -> bool:
    """Whether `name` (a host's name or address, without a port) is this machine for itself."""
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
