"""The socket of the page's server."""

from __future__ import annotations

import ipaddress
import socket

from plctl.common.base.errors import KernelError, UserError
from plctl.common.base.http_address import HttpAddress

#: Connections that wait to be taken.
_BACKLOG = 128


def listen(address: HttpAddress) -> socket.socket:
    """A socket that listens there.

    :raises UserError: there is no such host.
    :raises KernelError: it cannot be listened on.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UserError(f"there is no host {address.host!r:.80} to serve the page at: {error.strerror}") from None
    family, _, _, _, place = found[0]
    if address.only_loopback and not ipaddress.ip_address(str(place[0])).is_loopback:
        raise UserError(f"{address.host} leads to {place[0]} here, which is not this machine's loopback")
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise KernelError.from_os(f"serve the page at {address.host}:{address.port}", error) from error
    return made
