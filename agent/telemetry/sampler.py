"""Says when the links of a run are to be read, and gathers what they did into batches for the controller. Pure."""

from __future__ import annotations

import zlib

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.samples import LinkStats, Sample, Samples, sample

#: A batch is sent once its first sample is so old, or when it has so many: a message costs the controller a lot more
#: than a sample.
BATCH_NS = 1 * NS_PER_S
BATCH_SAMPLES = 4096


def first_batch_ns(agent: str) -> int:
    """How old the first batch of `agent` may become; any later one, `BATCH_NS`.

    All agents of a run begin at the same instant: so their batches come to the controller one after the other, not all
    at once in every second.
    """
    return 1 + zlib.crc32(agent.encode()) % BATCH_NS


class Sampler:
    """The samples of one run's links on this host. Every instant is on the host's monotonic clock."""

    def __init__(self, interval_ns: int, first_batch_ns: int = BATCH_NS) -> None:
        """Sample every `interval_ns`; the first batch is sent before it is older than `first_batch_ns`."""
        self._interval_ns = interval_ns
        self._limit_ns = first_batch_ns
        self._t0_ns = 0
        self._read_ns = 0
        self._batch: list[Sample] = []

    def start(self, t0_ns: int) -> None:
        """The first interval begins at `t0_ns`."""
        self._t0_ns = self._read_ns = t0_ns

    @property
    def next_ns(self) -> int:
        """When to read next: whole intervals after T0, whatever became late."""
        return self._t0_ns + ((self._read_ns - self._t0_ns) // self._interval_ns + 1) * self._interval_ns

    def add(self, now_ns: int, readings: list[tuple[LinkPlan, LinkStats, LinkStats]]) -> None:
        """Add what the links did since the last time, given as (plan, reading then, reading at `now_ns`)."""
        for plan, before, after in readings:
            self._batch += sample(plan, before, after, now_ns, now_ns - self._read_ns)
        self._read_ns = now_ns

    def due(self) -> bool:
        """Whether the batch is large or old enough to be sent."""
        if not self._batch:
            return False
        # The next samples would come an interval later: too late for a batch that is almost old enough.
        age_ns = self._read_ns - self._batch[0].t_ns
        return len(self._batch) >= BATCH_SAMPLES or age_ns + self._interval_ns >= self._limit_ns

    def batch(self) -> Samples:
        """What was gathered since the last batch."""
        batch, self._batch = self._batch, []
        self._limit_ns = BATCH_NS
        return Samples.of(batch)
