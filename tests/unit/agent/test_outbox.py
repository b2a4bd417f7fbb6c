"""An agent's reports are numbered, kept until acknowledged, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.outbox import Outbox
from plctl.common import messages as m


def events(number: int) -> m.Events:
    """An empty batch."""
    return m.Events(number, ())


def numbers(outbox: Outbox) -> list[int]:
    """What would be sent again."""
    return [e.message.number for e in outbox.unacknowledged() if isinstance(e.message, m.Events)]


@given(st.lists(st.integers(0, 12)))
def test_exactly_the_unacknowledged_is_kept(acknowledgements: list[int]) -> None:
    """After any acknowledgements, in any order, the rest is there in order and nothing else."""
    outbox = Outbox()
    for _ in range(10):
        outbox.put(events, "r")
    for number in acknowledgements:
        outbox.acknowledge(number)
    assert numbers(outbox) == list(range(max(acknowledgements, default=0) + 1, 11))
    assert outbox.waiting == len(numbers(outbox))


def test_telemetry_gives_way_and_the_loss_is_counted() -> None:
    """Beyond the bound the oldest expendable report goes, never another; what is left shows the gap."""
    outbox = Outbox(max_waiting=3)
    for expendable in (False, True, True, False):
        outbox.put(events, "r", expendable=expendable)
    assert numbers(outbox) == [1, 3, 4]
    assert outbox.dropped == 1
