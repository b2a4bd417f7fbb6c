"""Decides at the handshake whether a key may connect: the responder that libzmq asks (ZAP, RFC 27).

It answers with the peer's public key as the `User-Id`, which libzmq then attaches to every message of the connection.
The library's own authenticator would do, but tells nobody whom it refused and from where.
"""

from __future__ import annotations

import zmq
import zmq.asyncio
from zmq.utils import z85

from plctl.common.security.allow_list import AllowList
from plctl.common.transport.refusals import Refusal, Refusals

#: The ZAP domain of plctl's sockets; libzmq refuses everybody if nobody answers for it.
DOMAIN = b"plctl"
_ENDPOINT = "inproc://zeromq.zap.01"


class ZapResponder:
    """Lets in who is on the allow-list, for all sockets of one ZeroMQ context. Make it before they listen."""

    def __init__(self, context: zmq.asyncio.Context, allowed: AllowList, refusals: Refusals) -> None:
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ENDPOINT)
        self._allowed = allowed
        self._refusals = refusals

    async def serve(self) -> None:
        """Answer for ever."""
        while True:
            frames = await self._socket.recv_multipart()
            await self._socket.send_multipart(self._answer(frames))

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _answer(self, frames: list[bytes]) -> list[bytes]:
        """The reply to a request: version, id, domain, address, routing id, mechanism, credentials."""
        version, request, domain, address, _, mechanism, *credentials = frames
        if version != b"1.0" or domain != DOMAIN or mechanism != b"CURVE" or len(credentials) != 1:
            return [b"1.0", request, b"400", b"only CURVE is spoken here", b"", b""]
        key = z85.encode(credentials[0])
        entry = self._allowed.by_key(key.decode())
        if self._allowed.trouble:
            self._refusals.add(Refusal.ALLOW_LIST, "", self._allowed.trouble)
        if entry:
            return [b"1.0", request, b"200", b"", key, b""]
        cause = f"the key {key.decode()} is not on the allow-list"
        self._refusals.add(Refusal.KEY, address.decode(errors="replace"), cause)
        return [b"1.0", request, b"400", b"this key is not on the allow-list", b"", b""]
