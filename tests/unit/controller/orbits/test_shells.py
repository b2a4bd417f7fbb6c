"""Shells have the numbers of their filings, and Walker's notation makes any other."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from plctl.common.base.errors import UserError
from plctl.controller.orbits.constellation import Grid, constellation_of
from plctl.controller.orbits.motion import Motion
from plctl.controller.orbits.shells import SHELLS, Shell, parse_shell

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def test_every_named_shell_has_a_source_and_makes_satellites() -> None:
    """As many as were filed."""
    assert all(shell.source for shell in SHELLS.values())
    counts = {name: len(constellation_of([shell], EPOCH).satellites) for name, shell in SHELLS.items()}
    assert {
        "starlink-550": 1584, "starlink-540": 1584, "starlink-570": 720, "kuiper-630": 1156, "kuiper-610": 1296,
        "kuiper-590": 784, "oneweb-1200": 720, "telesat-1015": 351, "telesat-1325": 1320,
    } == counts  # fmt: skip


def test_walkers_notation_is_read() -> None:
    """i:T/P/F@h; the planes differ in phase by F × 360°/T."""
    shell = parse_shell("53.2:60/6/2@550")
    assert Shell("53.2:60/6/2@550", 6, 10, 53.2, 550, phasing=2) == shell
    assert [0, 12, 24] == [shell.anomaly_degrees(plane, 0) for plane in range(3)]
    assert [0, 60, 120] == [shell.node_degrees(plane) for plane in range(3)]


def test_named_shells_are_staggered_and_stars_span_half_a_turn() -> None:
    """Every second plane half a slot ahead."""
    assert [0, 180 / 34, 0] == [SHELLS["kuiper-630"].anomaly_degrees(plane, 0) for plane in range(3)]
    assert 180 * 17 / 18 == SHELLS["oneweb-1200"].node_degrees(17)


@pytest.mark.parametrize("name", ["kuiper-630", "53:60/6/2@550"])
def test_links_go_to_four_neighbours(name: str) -> None:
    """Each satellite has two in its plane and one in each neighbouring plane; no link is there twice."""
    found = constellation_of([parse_shell(name)], EPOCH).links()
    assert {4} == set(Counter(end for link in found for end in link).values())
    assert len(found) == len({frozenset(link) for link in found})


def test_a_star_has_no_links_over_its_seam() -> None:
    """Where the last and the first plane go in opposite directions."""
    ends = Counter(end for link in Grid(18, 40, closed=False).links() for end in link)
    assert {3} == {ends[number] for number in (*range(40), *range(680, 720))}
    assert {4} == {ends[number] for number in range(40, 680)}


def test_the_seam_of_walkers_pattern_is_like_every_other_neighbourhood() -> None:
    """With the shift of F slots its links are as long as those between other planes, at the same latitudes."""
    shell = parse_shell("53:60/6/2@550")
    constellation = constellation_of([shell], EPOCH)
    positions = Motion(constellation.satellites, EPOCH).at([0])[0]

    def lengths(plane: int) -> list[float]:
        ends = [(one, other) for one, other in constellation.links() if one // 10 == plane and other // 10 != plane]
        return sorted(float(np.linalg.norm(positions[one] - positions[other])) for one, other in ends)

    # Plane 2 is in phase with plane 5: 3 planes of 12° are one slot of 36°.
    assert lengths(2) == pytest.approx(lengths(5), rel=1e-3)


def test_several_shells_stand_side_by_side() -> None:
    """Numbered one behind the other, with links within each alone."""
    found = constellation_of([SHELLS["kuiper-590"], SHELLS["telesat-1015"]], EPOCH)
    assert "telesat-1015/0-0" == found.names[784]
    assert {35, 10} == set(found.min_elevations)
    assert all((one < 784) == (other < 784) for one, other in found.links())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("starlink", "'starlink' is no shell; there are starlink-550,"),
        ("53:61/6/1@550", "61 satellites cannot be spread evenly over 6 planes"),
        ("53:60/0/0@550", "60 satellites cannot be spread evenly over 0 planes"),
        ("53:60/6/6@550", "a phasing of 6 is not below the number of planes, 6"),
        ("53:60/6/1@36000", "is no shell"),
        ("53:60/6/1@5000", "legal are up to 180° and 160 to 2000 km above the ground, a low Earth orbit"),
        ("181:60/6/1@550", "legal are up to 180°"),
    ],
)
def test_what_is_no_shell_is_said(text: str, sentence: str) -> None:
    """With what is legal."""
    with pytest.raises(UserError, match=re.escape(sentence)):
        parse_shell(text)
