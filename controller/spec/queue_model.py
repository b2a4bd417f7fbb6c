"""The keys of a run spec's `queue`: the discipline, the capacity, and all that disciplines are set up with."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_size
from plctl.common.plan.discipline_parameters import check_parameter, default_capacity
from plctl.common.plan.disciplines import Discipline
from plctl.common.plan.link_text import read_capacity
from plctl.common.plan.queue_text import read_gain, read_share
from plctl.common.plan.run_plan import Capacity, Queue
from plctl.controller.spec.text import Duration, Strict, from_text

Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, from_text(parse_size, "1514B")]
Share = Annotated[int, from_text(read_share, "10%")]
Gain = Annotated[int, from_text(read_gain, "0.125")]


class DirectionQueueSpec(Strict):
    """The queue of one direction. Parameters have the names and the defaults of `tc`."""

    #: Its queueing discipline.
    discipline: Discipline = "droptail"
    #: What it holds: `1.0bdp` of the row in force (rate × 2 × delay), `64kB`, or `100p`; by default what `tc` has.
    capacity: Annotated[Capacity, from_text(read_capacity, "1.0bdp")] | None = None
    #: Mark frames that may be marked (CE), where they would be dropped else.
    ecn: bool | None = None
    #: The delay of the queue that the discipline aims at.
    target: Duration | None = None
    #: codel, fq_codel: how long the delay may be above the target.
    interval: Duration | None = None
    #: codel, fq_codel: mark whatever waited longer.
    ce_threshold: Duration | None = None
    #: fq_codel: into how many queues flows are hashed.
    flows: Count | None = None
    #: fq_codel: bytes that a flow sends before it is another's turn, e.g. `1514B`.
    quantum: Size | None = None
    #: fq_codel: what all frames that wait may have together, e.g. `32MiB`.
    memory_limit: Size | None = None
    #: fq_codel: how many frames go at once where there is no room.
    drop_batch: Count | None = None
    #: pie, dualpi2: how often the probability is worked out.
    tupdate: Duration | None = None
    #: pie, dualpi2: gain of the distance from the target, in Hz.
    alpha: Gain | None = None
    #: pie, dualpi2: gain of the change since the last time, in Hz.
    beta: Gain | None = None
    #: pie: how long a burst passes untouched.
    max_burst: Duration | None = None
    #: pie: estimate the rate from departures, as a router must; by default it is known.
    dq_rate_estimator: bool | None = None
    #: dualpi2: how many times the base probability that of L4S frames is.
    coupling_factor: Count | None = None
    #: dualpi2: mark L4S frames that waited longer.
    step_thresh: Duration | None = None
    #: dualpi2: the share of the rate that classic frames get at least, e.g. `10%`.
    classic_protection: Share | None = None
    #: red: below it nothing is dropped; by default a third of `max`.
    min: Size | None = None
    #: red: above it everything is dropped; by default a quarter of the capacity.
    max: Size | None = None
    #: red: the probability of a drop at `max`, e.g. `2%`.
    probability: Share | None = None
    #: red: of the queue now in its moving average, e.g. `0.2%`.
    weight: Share | None = None
    #: red: of a frame as which idle time counts.
    avpkt: Size | None = None
    #: red: the longer a frame, the likelier it is dropped.
    bytemode: bool | None = None
    #: red: adapt `probability` so that the average stays midway (Adaptive RED).
    adaptive: bool | None = None

    @model_validator(mode="after")
    def _fits_its_discipline(self) -> Self:
        for name, value in self._parameters().items():
            try:
                check_parameter(self.discipline, name, value)
            except UserError as error:
                raise ValueError(str(error)) from None
        return self

    def _parameters(self) -> dict[str, int]:
        every = DirectionQueueSpec.model_fields.keys() - {"discipline", "capacity"}
        values = {name: getattr(self, name) for name in every}
        return {name: int(value) for name, value in sorted(values.items()) if value is not None}

    def plan(self) -> Queue:
        """For the agent."""
        capacity = self.capacity or default_capacity(self.discipline)
        return Queue(self.discipline, capacity, self._parameters())


class QueueSpec(DirectionQueueSpec):
    """The bottleneck's queue. Parameters have the names and the defaults of `tc`."""

    #: The queue of client → server, in place of all that stands beside this.
    up: DirectionQueueSpec | None = None
    #: The queue of server → client, in place of all that stands beside this.
    down: DirectionQueueSpec | None = None
