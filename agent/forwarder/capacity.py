"""What this host can take, as it is said in HELLO for the controller to place links by."""

from __future__ import annotations

from plctl.agent.forwarder.memory import default_budget
from plctl.agent.forwarder.worker_plan import count_workers
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.protocol.messages import HostCapacity

#: Full-size frames a second that one worker is taken to carry. Nothing is measured on the host: on a virtual machine of
#: two cores one carried 340 000 in `make bench`, but whatever sends and receives in earnest needs the CPUs, too.
PACKETS_PER_WORKER = 200_000


def estimate_capacity(options: ForwarderOptions) -> HostCapacity:
    """The capacity of this host with a forwarder that is started with `options`."""
    workers = count_workers(options)
    return HostCapacity(default_budget(), workers * PACKETS_PER_WORKER, workers)
