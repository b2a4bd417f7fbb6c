"""Which interface features must be off."""

from __future__ import annotations

import pytest

from plctl.agent.kernel.offload import is_falsifying


@pytest.mark.parametrize(
    "feature",
    [
        "tx-tcp-segmentation",
        "tx-tcp6-segmentation",
        "tx-udp-segmentation",
        "tx-generic-segmentation",
        "tx-gso-list",
        "tx-gso-partial",
        "rx-gro",
        "rx-gro-list",
        "rx-lro",
        "rx-udp-gro-forwarding",
        "tx-checksum-ip-generic",
        "tx-checksum-sctp",
        "rx-checksum",
        "tx-scatter-gather",
        "tx-scatter-gather-fraglist",
        "tx-vlan-hw-insert",
        "rx-vlan-stag-hw-parse",
    ],
)
def test_features_that_change_frames_must_be_off(feature: str) -> None:
    """Super-frames, missing checksums, tags beside the frame."""
    assert is_falsifying(feature)


@pytest.mark.parametrize(
    "feature", ["highdma", "loopback", "tx-lockless", "netns-local", "rx-hashing", "vlan-challenged"]
)
def test_features_that_leave_frames_alone_may_stay(feature: str) -> None:
    """They cannot be changed on every interface, so demanding it would fail."""
    assert not is_falsifying(feature)
