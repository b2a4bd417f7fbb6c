"""A queue on a command line means what a run spec, or tc, would mean by it."""

from __future__ import annotations

import pytest

from plctl.common.base.errors import UserError
from plctl.common.plan.queue_text import read_queue
from plctl.common.plan.run_plan import Capacity, Queue


@pytest.mark.parametrize(
    ("text", "queue"),
    [
        ("0.5bdp", Queue(capacity=Capacity("bdp", 500_000))),
        ("64kB", Queue(capacity=Capacity("bytes", 64_000))),
        ("drophead", Queue("drophead")),
        ("codel", Queue("codel", Capacity("packets", 1000))),
        ("drophead, 100p", Queue("drophead", Capacity("packets", 100))),
        ("codel,50p,ecn", Queue("codel", Capacity("packets", 50), {"ecn": 1})),
        ("pie,ecn", Queue("pie", Capacity("packets", 1000), {"ecn": 1})),
        ("dualpi2,ecn", Queue("dualpi2", Capacity("packets", 10_000))),
        ("1.0 bdp", Queue()),
        ("drophead, 1.0 bdp", Queue("drophead")),
        ("codel target 5ms interval 100ms ecn",
         Queue("codel", Capacity("packets", 1000), {"target": 5_000_000, "interval": 100_000_000, "ecn": 1})),
        ("codel limit 50 target=2ms", Queue("codel", Capacity("packets", 50), {"target": 2_000_000})),
        ("codel,64kB,target=500us", Queue("codel", Capacity("bytes", 64_000), {"target": 500_000})),
        ("fq_codel limit=200 flows 32 quantum 300 memory_limit 4MB noecn",
         Queue("fq_codel", Capacity("packets", 200),
               {"flows": 32, "quantum": 300, "memory_limit": 4_000_000, "ecn": 0})),
        ("red limit 400000 min 30000 max 90000 probability 0.02 avpkt 1000 ecn adaptive",
         Queue("red", Capacity("bytes", 400_000),
               {"min": 30_000, "max": 90_000, "probability": 20_000, "avpkt": 1000, "ecn": 1, "adaptive": 1})),
        ("pie alpha 0.25 beta=2 dq_rate_estimator=off",
         Queue("pie", Capacity("packets", 1000), {"alpha": 250_000, "beta": 2_000_000, "dq_rate_estimator": 0})),
        ("dualpi2 classic_protection 20%",
         Queue("dualpi2", Capacity("packets", 10_000), {"classic_protection": 200_000})),
    ],
)  # fmt: skip
def test_queues(text: str, queue: Queue) -> None:
    """A capacity, a discipline with its own capacity, or both; parameters as on the command line of tc."""
    assert queue == read_queue(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("5x", "'5x' is not a capacity; write e.g. 1.0bdp, 64kB or 100p"),
        ("64kB,drophead", "'64kB' is not a discipline; legal is droptail, drophead"),
        ("0p", "'0p' is out of range"),
        ("drophead,ecn", "drophead marks nothing; ecn is for red, codel, fq_codel, pie and dualpi2"),
        ("ecn", "'ecn' is not a capacity"),
        ("drophead,x", "'x' is not a capacity"),
        ("drophead,", "'' is not a capacity"),
        ("", "'' is not a capacity"),
        ("codell target 5ms", "'codell' is not a discipline; legal is droptail, drophead"),
        ("codel target", "target: '' is not a duration"),
        ("codel target 5", "target: '5' is not a duration"),
        ("codel target=5ms flows=3", "codel has no flows; it has target, interval, ecn, ce_threshold"),
        ("droptail target=5ms", "droptail has no target; it has no parameters"),
        ("fq_codel flows 0", "flows is out of range; it must be from 1 to 65536"),
        ("fq_codel flows x", "flows: 'x' is not a number"),
        ("codel ecn=perhaps", "ecn: 'perhaps' is not on or off"),
        ("red probability=much", "probability: 'much' is not a share"),
        ("codel limit", "'' is not a capacity"),
    ],
)
def test_queues_that_are_none(text: str, complaint: str) -> None:
    """What is wrong is named, and what would be legal."""
    with pytest.raises(UserError) as raised:
        read_queue(text)
    assert str(raised.value).startswith(complaint)
