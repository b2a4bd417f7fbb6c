"""What a forwarder shares is read until it is closed, and then refused by name."""

from __future__ import annotations

import mmap

import pytest

from plctl.agent.forwarder.client import ForwarderClient
from plctl.common.base.errors import KernelError


def test_what_a_closed_forwarder_counted_is_refused_by_name() -> None:
    """Somebody may still wait for a link's start when it dies; that is no bug."""
    client = object.__new__(ForwarderClient)
    client._stats = mmap.mmap(-1, 4096)
    client._stats.close()
    for read in (lambda: client.read(0), lambda: client.start_of(0), lambda: client.take((0,))):
        with pytest.raises(KernelError, match="cannot read what the forwarder counted: it was ended"):
            read()
