"""The options of plctl's ZeroMQ sockets, each set on purpose."""

from __future__ import annotations

import resource

import zmq
import zmq.asyncio

from plctl.common.protocol.wire import MAX_MESSAGE_BYTES

#: How long closing a socket may wait for messages that are still on their way out.
LINGER_MS = 500
#: Messages that may wait in each direction for one peer.
HIGH_WATER_MARK = 10_000
#: Who has not proved who he is by then is hung up on.
HANDSHAKE_MS = 5_000
#: ZMTP pings, which libzmq answers by itself: a host that vanished without a word is noticed after the timeout.
HEARTBEAT_MS = 2_000
HEARTBEAT_TIMEOUT_MS = 10_000
#: Connections that the kernel may have accepted before libzmq does: a whole cluster may come back at once.
BACKLOG = 1024


def limit(socket: zmq.asyncio.Socket) -> None:
    """What every socket has. Longer messages than MAXMSGSIZE end the connection before there is memory for them."""
    options = {
        zmq.LINGER: LINGER_MS,
        zmq.MAXMSGSIZE: MAX_MESSAGE_BYTES,
        zmq.SNDHWM: HIGH_WATER_MARK,
        zmq.RCVHWM: HIGH_WATER_MARK,
    }
    for option, value in options.items():
        socket.setsockopt(option, value)


def for_network(socket: zmq.asyncio.Socket) -> None:
    """What sockets on TCP have besides: nothing that is gone or hangs keeps a connection open."""
    options = {
        zmq.HANDSHAKE_IVL: HANDSHAKE_MS,
        zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
        zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
        zmq.HEARTBEAT_TTL: HEARTBEAT_TIMEOUT_MS,
        zmq.TCP_KEEPALIVE: 1,  # for middleboxes that forget silent connections
        zmq.TCP_KEEPALIVE_IDLE: 60,
        zmq.TCP_KEEPALIVE_INTVL: 20,
        zmq.TCP_KEEPALIVE_CNT: 3,
    }
    for option, value in options.items():
        socket.setsockopt(option, value)


def for_many_peers(socket: zmq.asyncio.Socket) -> None:
    """What a listening socket on TCP needs besides: as many descriptors as the process may have."""
    socket.setsockopt(zmq.BACKLOG, BACKLOG)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
