"""What became of a link's ends is told, and every frame is somewhere: else the link is not ok."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.synthetic_run import quiet_ends, quiet_passage

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import Budget
from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.common.telemetry.witness import EndBooks, InterfaceChange, InterfaceWatch, Passage
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.verdict import Statement, Verdict
from plctl.controller.verdict.witness_ends import hear_books, hear_interfaces

T0_NS = 5 * NS_PER_S
QUIET = quiet_ends(T0_NS - NS_PER_S, T0_NS + 9 * NS_PER_S)
BUDGET = Budget()


def change(at_s: float, interface: str, what: str, *, gone: bool = False) -> InterfaceChange:
    """So many seconds after T0."""
    return InterfaceChange(T0_NS + round(at_s * NS_PER_S), interface, what, gone)


def facts(**changes: object) -> LinkFacts:
    """Of a link at whose ends nothing happened but `changes`."""
    return LinkFacts(t0_ns=T0_NS, planned_ns=T0_NS, interfaces=replace(QUIET, **changes))  # type: ignore[arg-type]


def interfaces(**changes: object) -> list[tuple[Verdict | str, str]]:
    """What the first witness says, and what it makes of the link."""
    return said(list(hear_interfaces(facts(**changes), BUDGET)))


def books(**changes: object) -> list[tuple[Verdict | str, str]]:
    """What the second one says."""
    return said(list(hear_books(facts(**changes), BUDGET)))


def said(statements: list[Statement]) -> list[tuple[Verdict | str, str]]:
    """Verdict and words of each; all are about the time of the watch."""
    assert {(QUIET.from_ns, QUIET.until_ns)} == {(each.from_ns, each.until_ns) for each in statements}
    return [(each.verdict, each.says) for each in statements]


def passage(direction: Direction = "up", **counts: int) -> Passage:
    """A direction that carried nine frames, but for `counts`."""
    return replace(quiet_passage(direction), **counts)  # type: ignore[arg-type]  # real fields are named


def ends(**changes: dict[str, object]) -> tuple[EndBooks, ...]:
    """All four, but for `changes` of those that are named."""
    return tuple(replace(each, **changes.get(each.interface.replace("-", "_"), {})) for each in QUIET.ends)  # type: ignore[arg-type]


def test_silence_is_not_taken_for_good() -> None:
    """Without a watch both witnesses are unheard."""
    for hear in (hear_interfaces, hear_books):
        (statement,) = hear(LinkFacts(t0_ns=T0_NS), BUDGET)
        assert (False, Verdict.UNPROVEN) == (statement.heard, statement.verdict)


def test_ends_that_nobody_touched_are_said_to_be_so() -> None:
    """By name."""
    assert [("ok", "nothing changed at veth1, sim-veth1, sim-veth2 and veth2")] == interfaces()


def test_an_interface_that_was_deleted_is_the_end_of_the_link() -> None:
    """With the moment; that it went down first, and lost its carrier, is not worth telling."""
    changes = (
        change(1.999, "sim-veth1", "went down"),
        change(1.9995, "veth1", "lost its carrier"),
        change(2, "sim-veth1", "was deleted", gone=True),
        change(2.001, "veth1", "was deleted", gone=True),
    )
    gone = "sim-veth1 was deleted 2 s after T0; veth1 was deleted 2.001 s after T0"
    assert [("failed", gone)] == interfaces(changes=changes)
    down_before = change(1, "veth1", "went down")
    assert [("failed", gone), ("unproven", "veth1 went down 1 s after T0")] == interfaces(
        changes=(down_before, *changes)
    )


@pytest.mark.parametrize("lost", [{"present": False}, {"same_index": False}])
def test_an_interface_that_is_not_there_in_the_end_is_found_missing(lost: dict[str, object]) -> None:
    """Even if nothing was told of it."""
    assert ("failed", "in the end veth2 was not there any more") in interfaces(ends=ends(veth2=lost))
    assert ("failed", "in the end veth1 and veth2 were not there any more") in interfaces(
        ends=ends(veth1=lost, veth2=lost)
    )


def test_any_other_change_leaves_the_link_unproven() -> None:
    """It may have delayed or changed frames that were counted all the same. The first few are told."""
    changes = tuple(change(number, "veth2", f"has MTU {900 + number} instead of 1500") for number in range(6))
    told = "; ".join(f"veth2 has MTU {900 + number} instead of 1500 {after} after T0"
                     for number, after in enumerate(["0 ns", "1 s", "2 s", "3 s"]))  # fmt: skip
    assert [("unproven", f"{told}; and 2 more changes")] == interfaces(changes=changes)
    assert [("unproven", f"{told}; and 9 more changes")] == interfaces(changes=changes, more_changes=7)


def test_what_is_done_to_an_outer_end_before_t0_is_a_part_of_the_set_up() -> None:
    """It is told, but no objection; the inner ends are nobody's to touch, and what goes away is missing."""
    given_ = change(-0.3, "veth1", "was given qdisc tbf")
    (statement,) = hear_interfaces(facts(changes=(given_,)), BUDGET)
    assert (True, "veth1 was given qdisc tbf 300 ms before T0", Verdict.OK) == (
        statement.remark, statement.says, statement.verdict,
    )  # fmt: skip
    assert "unproven" == interfaces(changes=(change(-0.3, "sim-veth1", "was given qdisc tbf"),))[0][0]
    assert "failed" == interfaces(changes=(change(-0.3, "veth1", "was deleted", gone=True),))[0][0]


def test_an_offload_is_no_set_up() -> None:
    """Frames without checksums, or many in one, are none that a wire would carry, whoever asked for them."""
    offload = replace(change(-0.3, "veth1", "had tx-checksum-ip-generic switched on"), falsifies=True)
    says = "veth1 had tx-checksum-ip-generic switched on 300 ms before T0"
    assert [("unproven", says)] == interfaces(changes=(offload,))


def test_changes_that_were_only_counted_object_if_the_last_came_after_t0() -> None:
    """However many were a part of the set-up before."""
    early = tuple(change(-0.3, "veth1", f"has MTU {900 + number} instead of 1500") for number in range(64))
    again = change(-0.2, "veth1", "changed again, for the last time")
    assert Verdict.OK == interfaces(changes=(*early, again), more_changes=9)[0][0]
    late = replace(again, at_ns=T0_NS + 2 * NS_PER_S)
    says = "veth1 changed again, for the last time 2 s after T0; and 9 more changes"
    assert ("unproven", says) == interfaces(changes=(*early, late), more_changes=9)[0]


def test_messages_that_the_kernel_dropped_leave_the_witness_unheard() -> None:
    """What they said is not known."""
    (statement,) = hear_interfaces(facts(missed_events=2), BUDGET)
    assert (False, Verdict.UNPROVEN) == (statement.heard, statement.verdict)
    assert "the kernel had no room for messages about interfaces, 2 times" == statement.says


def test_books_that_balance_say_what_they_rest_on() -> None:
    """Frames that the forwarder knows to have missed are the affair of another witness."""
    up = passage(sent_packets=12, arrived_packets=9, lost_ring=3)
    says = (
        "up, veth1 sent 12 frames, which all came to the forwarder, 3 of them known to be missed;"
        " of 9 frames that it delivered all came to veth2; down, veth2 sent 9 frames, which all came to the forwarder;"
        " of 9 frames that it delivered all came to veth1"
    )
    assert [("ok", says)] == books(passages=(up, passage("down")))


@pytest.mark.parametrize(
    ("direction", "counts", "where"),
    [
        ("up", {"missing_in": 3}, "between veth1 and the forwarder at sim-veth1"),
        ("down", {"missing_in": 3}, "between veth2 and the forwarder at sim-veth2"),
        ("up", {"missing_out": 3}, "between the forwarder at sim-veth2 and veth2"),
        ("down", {"missing_out": 3}, "between the forwarder at sim-veth1 and veth1"),
        ("up", {"refused_packets": 3}, "on leaving veth1: sim-veth1 was down or overrun, or made for shorter frames"),
        ("down", {"refused_packets": 3}, "on leaving veth2: sim-veth2 was down or overrun, or made for shorter frames"),
    ],
)
def test_a_frame_that_is_nowhere_was_lost_by_the_machine(
    direction: Direction, counts: dict[str, int], where: str
) -> None:
    """And where."""
    passages = tuple(passage(each, **(counts if each == direction else {})) for each in DIRECTIONS)
    lost = f"the machine, not the scenario, lost 3 frames {direction} {where}"
    assert [("overloaded", lost)] == books(passages=passages)


def test_frames_that_tc_dropped_at_the_far_end_are_lost() -> None:
    """They were delivered, and no program got them."""
    lost = "the machine, not the scenario, lost 1 frame up to tc at the ingress of veth2"
    assert [("overloaded", lost)] == books(ends=ends(veth2={"ingress_drops": 1}))
    assert "ok" == books(ends=ends(sim_veth1={"ingress_drops": 1}, sim_veth2={"egress_drops": 1}))[0][0]


def test_frames_that_tc_dropped_before_they_left_are_told() -> None:
    """They never came to the link: that is the sender's own affair."""
    statement, balance = hear_books(facts(ends=ends(veth1={"egress_drops": 7})), BUDGET)
    assert balance.says.startswith("up, veth1 sent 9 frames, which all came to the forwarder")
    assert (True, "tc dropped 7 frames up before they left veth1", Verdict.OK) == (
        statement.remark, statement.says, statement.verdict,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"missing_in": -3}, "3 frames up came to the forwarder that veth1 did not send"),
        ({"missing_out": -3}, "3 frames up came to veth2 that the forwarder did not send"),
    ],
)
def test_frames_of_somebody_else_leave_the_link_unproven(counts: dict[str, int], says: str) -> None:
    """They took a part of the path, or hide as many that were lost."""
    assert [("unproven", says)] == books(passages=(passage(**counts), passage("down")))


def test_frames_that_still_pass_prove_nothing() -> None:
    """Those that are missing may be under way."""
    (statement,) = hear_books(facts(passages=(passage(missing_in=3), passage("down")), settled=False), BUDGET)
    assert (False, Verdict.UNPROVEN) == (statement.heard, statement.verdict)
    assert "frames up were still passing when they were counted: some may be missing" == statement.says
    assert "ok" == books(settled=False)[0][0]


def test_a_direction_that_was_not_counted_is_unheard() -> None:
    """Since an interface is gone, or nothing could be read."""
    gone, refused = (
        books(passages=(passage("down"),), ends=ends(veth1={"present": False})),
        books(passages=(passage("down"),)),
    )
    cannot = "frames up could not be counted in the end: "
    assert ("unproven", f"{cannot}an interface is gone, and its counters with it") in gone
    assert ("unproven", f"{cannot}the kernel or the forwarder refused") in refused


few = st.integers(-2, 2)
counted = st.integers(0, 2)
passages = st.tuples(
    *(
        st.builds(Passage, st.just(each), counted, counted, counted, counted, counted, counted, few, few)
        for each in DIRECTIONS
    )
)
all_ends = st.tuples(
    *(
        st.builds(
            EndBooks,
            st.just(each.interface),
            present=st.booleans(),
            same_index=st.booleans(),
            ingress_drops=counted,
            egress_drops=counted,
        )
        for each in QUIET.ends
    )
)
changes_ = st.builds(
    InterfaceChange,
    st.integers(T0_NS - 9 * NS_PER_MS, T0_NS + NS_PER_S),
    st.sampled_from([each.interface for each in QUIET.ends]),
    st.just("went down"),
    st.booleans(),
)
watches = st.builds(
    InterfaceWatch,
    st.just(QUIET.from_ns),
    st.just(QUIET.until_ns),
    changes=st.lists(changes_, max_size=5).map(tuple),
    ends=all_ends,
    passages=passages,
    settled=st.booleans(),
    missed_events=st.integers(0, 1),
)


@given(watches)
def test_no_combination_hides_what_happened(watch: InterfaceWatch) -> None:
    """What is gone is `failed`, a frame that is missing for certain `overloaded`, and `ok` only if there is nothing."""
    link = LinkFacts(t0_ns=T0_NS, interfaces=watch)
    about_ends = {str(each.verdict) for each in hear_interfaces(link, BUDGET)}
    about_frames = {str(each.verdict) for each in hear_books(link, BUDGET)}
    whole = all(each.present and each.same_index for each in watch.ends) and not any(
        each.gone for each in watch.changes
    )
    assert whole == ("failed" not in about_ends)
    late = [each for each in watch.changes if each.at_ns >= T0_NS or each.interface.startswith("sim-")]
    assert not (late or watch.missed_events) or about_ends & {"failed", "unproven"}
    outer = [each for each in watch.ends if not each.interface.startswith("sim-")]
    certain = any(each.refused_packets for each in watch.passages) or any(each.ingress_drops for each in outer)
    missing = any(max(each.missing_in, each.missing_out) > 0 for each in watch.passages)
    odd = any(each.missing_in or each.missing_out for each in watch.passages)
    assert (certain or (watch.settled and missing)) == ("overloaded" in about_frames)
    assert (certain or odd) == (about_frames != {"ok"})


def test_frames_refused_while_a_qdisc_is_exchanged_are_not_called_lost() -> None:
    """The kernel counts them like those that the twin refused; without an exchange, or with a carrier lost, it did."""
    exchange = change(1, "veth1", "lost qdisc pfifo")
    refused = (passage(refused_packets=5), passage("down"))
    says = "5 frames up were refused on leaving veth1, while its qdisc was exchanged or besides"
    assert ("unproven", says) in books(passages=refused, changes=(exchange,))
    assert "overloaded" == books(passages=refused)[0][0]
    flapped = ends(veth1={"carrier_changes": 2})
    assert "overloaded" == books(passages=refused, changes=(exchange,), ends=flapped)[0][0]
