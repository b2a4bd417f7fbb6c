"""A forwarder that carries the links of one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.ownership.ledger import Ledger


@asynccontextmanager
async def forwarding(ledger: Ledger, budget_bytes: int | None = None) -> AsyncIterator[ForwarderClient]:
    """A forwarder for one link that ends with the block."""
    client = await ForwarderClient.spawn(ledger, 1, budget_bytes=budget_bytes)
    try:
        yield client
    finally:
        await client.close()
