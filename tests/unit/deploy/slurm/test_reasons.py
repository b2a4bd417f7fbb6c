"""Reasons for which a job waits: those that time mends, and those that it does not."""

from __future__ import annotations

import pytest

from plctl.deploy.slurm.reasons import is_lasting


@pytest.mark.parametrize(
    "reason",
    [
        "(JobHeldUser)",
        "(PartitionTimeLimit)",
        "(InvalidQOS)",
        "(AssocMaxWallDurationPerJobLimit)",
        "(QOSMaxNodePerJobLimit)",
        "(QOSMinCpuNotSatisfied)",
        "(ReqNodeNotAvail, UnavailableNodes:node[1-2])",
    ],
)
def test_what_only_a_person_can_change_lasts(reason: str) -> None:
    """The job is held, or not allowed as it is, or its nodes are broken."""
    assert is_lasting(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "(Priority)",
        "(Resources)",
        "(None)",
        "(BeginTime)",
        "(Dependency)",
        "(QOSMaxJobsPerUserLimit)",
        "(AssocGrpNodeLimit)",
        "(ReqNodeNotAvail, Reserved for maintenance)",
        "(ReqNodeNotAvail, UnavailableNodes:)",
    ],
)
def test_what_others_jobs_or_the_hour_hold_up_passes(reason: str) -> None:
    """The user says how long that is waited for."""
    assert not is_lasting(reason)
