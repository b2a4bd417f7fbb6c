"""Why Slurm lets a job wait, and whether waiting can help. Pure."""

from __future__ import annotations

import re

#: Reasons that stay until a person changes something: squeue(1), "Job Reason Codes".
_LASTING = frozenset({
    "AccountNotAllowed", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount", "InvalidQOS", "JobHeldAdmin",
    "JobHeldUser", "NodeDown", "PartitionDown", "PartitionInactive", "PartitionNodeLimit", "PartitionTimeLimit",
    "QOSNotAllowed", "ReservationDeleted",
})  # fmt: skip
#: What an association or a QOS allows each job: the job itself is too large or too small.
_LIMIT = re.compile(r"(Assoc|QOS)(Max\w*PerJob|Min)\w*")
#: A node that was asked for is down or drained; without names it may be reserved, for a while, for others.
_NODES = re.compile(r"ReqNodeNotAvail\b.*UnavailableNodes:\S+")


def is_lasting(reason: str) -> bool:
    """Whether a job with this `reason`, as squeue shows it, would wait until somebody steps in."""
    text = reason.strip("()")
    return text in _LASTING or bool(_LIMIT.fullmatch(text) or _NODES.match(text))
