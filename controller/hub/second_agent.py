"""Tells an agent that was started again from a second one with the same key, as on a cloned host.

Both say HELLO over a connection that is not known. What they say of themselves cannot decide: a clone has its
original's machine id, containers share a boot id, and a restarted machine has a new one. So the one that was there is
asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from plctl.common.base.clock import Clock
from plctl.common.base.errors import WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.protocol import messages as m
from plctl.common.transport.hub_and_spoke import Peer

#: How long an agent has for its answer, and how often it is asked.
ANSWER_NS = 2 * NS_PER_S
ASK_NS = 100 * NS_PER_MS
#: What comes sooner may have been on its way when the process that sent it died. Its end comes right behind.
UNDER_WAY_NS = 300 * NS_PER_MS


async def answers(ask: Callable[[], Awaitable[None]], heard: Callable[[], int], clock: Clock) -> bool:
    """Whether the agent behind a connection lives.

    :param ask: asks it for a sign of life; raises WorldError if its connection is gone.
    :param heard: how many messages have come from it.
    """
    began_ns = clock.monotonic_ns()
    before: int | None = None  #: what had come when nothing could be under way any more
    while (now := clock.monotonic_ns()) - began_ns < ANSWER_NS:
        if before is not None and heard() > before:
            return True
        if before is None and now - began_ns >= UNDER_WAY_NS:
            before = heard()
        try:
            await ask()
        except WorldError:
            return False
        await clock.sleep_until(now + ASK_NS)
    return False


def describe(peer: Peer, hello: m.Hello) -> str:
    """Who an agent is, for people: ``10.0.0.7, pid 812 on h1``."""
    host = hello.facts.get("host", "")
    return f"{peer.address}, pid {hello.pid}" + (f" on {host}" if host else "")


def refusal(name: str, there: str, second: str) -> str:
    """What the second one is told."""
    return (
        f"another agent with the key of {name} is connected ({there}), so this one ({second}) cannot be; if this host"
        " is a copy of the other, give it a key of its own (plctl agent enroll NAME), else stop the other agent first"
    )


def notice(name: str, second: str) -> str:
    """What the one that was there is told."""
    return f"a second agent with the key of {name} wanted to connect ({second}) and was refused; was this host cloned?"


def replaced(name: str, second: str) -> str:
    """What one is told that could not be reached, was replaced, and is back."""
    return f"while this agent could not be reached, another with the key of {name} took its place ({second})"
