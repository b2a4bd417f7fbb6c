"""The part of the report that speaks of one link: its plots with a sentence each, and what its workloads did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.base.units import NS_PER_S, format_duration
from plctl.common.plan.link_change import describe, format_at
from plctl.common.plan.link_sentence import describe_link
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.counters import HalfCounters
from plctl.common.telemetry.path_words import what_happened
from plctl.controller.report import delay_spread, end_plots, link_plots, path_plots, socket_plots, workload_plots
from plctl.controller.report.certificate_part import certificate_part
from plctl.controller.report.delay_spread import Spread
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup, element, join
from plctl.controller.report.path_plots import Layer
from plctl.controller.report.run_part import badge
from plctl.controller.report.series import Measured, asked, measured
from plctl.controller.report.workload_part import workload_part
from plctl.controller.report.workload_plots import Programs
from plctl.controller.results.run_record import LinkRecord, RunRecord


def link_section(
    folder: Path, record: RunRecord, link: LinkRecord, telemetry: pa.Table, sockets: pa.Table, *, opened: bool
) -> Markup:
    """Everything about `link`, foldable, shown unfolded if `opened`."""
    title = element("summary", element("h3", link.plan.name), " ", badge(link.verdict), f" on {link.host}")
    check = element("p", _prepared(link), class_="muted") if link.check else Markup()
    return element(
        "details",
        title,
        element("p", describe_link(link.plan)),
        _changes(link),
        *(element("p", each) for each in _happened(link)),
        check,
        certificate_part(link),
        _figures(folder, record, link, telemetry, sockets),
        workload_part(folder, link),
        class_="link",
        open=opened,
    )


def _prepared(link: LinkRecord) -> str:
    """What was found before the start, and by what the frames were to be carried."""
    carried = f" Frames carried by {link.io}." if link.io else ""
    return f"Checked before the start: {link.check}.{carried}"


def _changes(link: LinkRecord) -> Markup:
    """What somebody changed while it ran; the curves show it as asked for."""
    if not link.changes:
        return Markup()
    lines = [element("li", f"{format_at(each)}: {describe(each)}, by {each.by}") for each in link.changes]
    return element("div", element("p", "Changed while it ran, at these scenario times:"), element("ul", *lines))


def _happened(link: LinkRecord) -> Iterator[str]:
    """What its queue and its path did to frames, a sentence for each direction that has any."""
    for direction in DIRECTIONS:
        half = getattr(link.result, direction) if link.result else HalfCounters()
        if sentences := [*what_happened(link.plan, direction, half, brief=True)]:
            yield f"{direction.capitalize()}: {'; '.join(sentences)}."


def _figures(folder: Path, record: RunRecord, link: LinkRecord, telemetry: pa.Table, sockets: pa.Table) -> Markup:
    own = telemetry.filter(pc.equal(telemetry["link"], link.plan.name))
    if not (curves := curves_of(record, link, own)):
        return element("p", "There is no telemetry of this link after T0, so there is nothing to draw.")
    spreads: dict[str, Spread] = {direction: delay_spread.spread(own, direction) for direction in DIRECTIONS}
    figures = (*_captioned(curves), _spread_figure(spreads, link.plan.name), *_socket_figures(sockets, curves),
               *_program_figures(workload_plots.programs(folder, link), curves))  # fmt: skip
    return element("div", *figures, class_="figures")


def curves_of(record: RunRecord, link: LinkRecord, own: pa.Table) -> LinkCurves | None:
    """What is drawn of `link`, whose telemetry `own` is; None if it has none after T0."""
    seen: dict[str, Measured] = {direction: measured(own, direction) for direction in DIRECTIONS}
    if not any(len(each.end_s) for each in seen.values()):
        return None
    last = max(float(each.end_s[-1]) for each in seen.values() if len(each.end_s))
    until = max(last, record.duration_ns / NS_PER_S if not record.verdict else 0.0)
    plan = link.asked
    return LinkCurves(
        plan=link.plan,
        asked={direction: asked(getattr(plan, direction), until) for direction in DIRECTIONS},
        measured=seen,
        until_s=until,
        lateness_budget_ns=record.budget.lateness_ns,
    )


def _spread_figure(spreads: dict[str, Spread], link: str) -> Markup:
    return _figure(
        delay_spread.draw(spreads, link),
        element("b", "Spread of the delay. "), "Of how many packets it was at most so long: ",
        _key("asked", "delay asked for when they left, "), _key("measured", "time they spent in the link. "),
        "Between the percentiles of each interval packets are taken as evenly spread.",
        nothing="no packet was delivered.",
    )  # fmt: skip


def _socket_figures(sockets: pa.Table, curves: LinkCurves) -> list[Markup]:
    """What TCP senders did, if anybody looked at them and there were any."""
    flows = socket_plots.senders(sockets, curves.plan.name)
    if not any(flows.values()):
        return []
    most = f" At most {socket_plots.MAX_FLOWS} flows of an end are drawn, those that sent most. "
    if any(flow.changes_s for each in flows.values() for flow in each):
        most += "A stroke across a line: the flow got another congestion control. "
    flows_by_colour = [_key(colour, f"{name}; ") for name, colour in socket_plots.names(flows)]
    return [
        _figure(
            socket_plots.window(flows, curves),
            element("b", "Congestion window. "), "What each TCP sender let be on its way, as the kernel had it, and ",
            _key("queue", "bytes waiting at the bottleneck that it sends into."), most, *flows_by_colour,
        ),
        _figure(
            socket_plots.round_trip(flows, curves),
            element("b", "Round-trip time. "), "As each TCP sender saw it, smoothed by the kernel, and ",
            _key("asked", "the delay asked for, there and back. "), *flows_by_colour,
        ),
    ]  # fmt: skip


def _program_figures(programs: Programs, curves: LinkCurves) -> Iterator[Markup]:
    """What programs measured themselves, if there are any that say so."""
    since = "Times count from when the program was executed. "
    if any(programs["rate"].values()):
        yield _figure(
            workload_plots.throughput(programs, curves),
            element("b", "Throughput of programs. "), "Payload, as they say themselves, and ",
            _key("asked", "the rate asked for. "), since,
            *(_key(colour, f"{name}; ") for name, colour in end_plots.names(programs["rate"])),
        )  # fmt: skip
    if any(programs["rtt"].values()):
        yield _figure(
            workload_plots.round_trip(programs, curves),
            element("b", "Round-trip time of ping. "), "As it printed it, and ",
            _key("asked", "the delay asked for, there and back. "), since,
            *(_key(colour, f"{name}; ") for name, colour in end_plots.names(programs["rtt"])),
        )  # fmt: skip


def _rate_asked(curves: LinkCurves) -> str:
    """What the broad line of the rate is."""
    windows = [each.window_s for each in curves.asked.values() if each.window_s]
    if not windows:
        return "bottleneck rate asked for"
    window = format_duration(round(windows[0] * NS_PER_S))
    return f"delivery opportunities asked for, as the rate of full frames over each {window}"


def _captioned(curves: LinkCurves) -> list[Markup]:
    """Each plot under the sentence that explains it; a plot without anything in it is a sentence alone."""
    return [
        _figure(
            link_plots.delay(curves),
            element("b", "Delay. "), _key("asked", "propagation delay asked for, "),
            _key("measured", "time packets spent in the link, median, "),
            _key("band", "its minimum to 99th percentile."),
            " What lies above the broad line is time in the queue and in service. Dotted: the route changes.",
            " The scale is logarithmic, since packets queued for many times the delay asked for."
            if link_plots.delay_is_logarithmic(curves) else "",
        ),
        _figure(
            link_plots.rate(curves),
            element("b", "Rate. "), _key("asked", f"{_rate_asked(curves)}, "), _key("measured", "rate carried. "),
            "A link carries what it is offered, up to what was asked for.",
        ),
        _figure(
            link_plots.queue(curves),
            element("b", "Queue. "), _key("measured", "bytes waiting at the bottleneck at the end of each interval"),
            _key("worse", ", and their average, by which RED decides.") if link_plots.has_average(curves) else ".",
            nothing="empty at the end of every interval.",
        ),
        *_queue_and_path(curves),
        _figure(
            link_plots.lateness(curves),
            element("b", "Lateness. "), "How long after its computed time a packet left, on a logarithmic scale: ",
            _key("measured", "median, "), _key("worse", "99th percentile, "), _key("max", "maximum; "),
            _key("budget", "what the 99th percentile of the whole run may be."),
        ),
    ]  # fmt: skip


def _queue_and_path(curves: LinkCurves) -> Iterator[Markup]:
    """What was dropped, marked and impaired, and the queue's own state where it has one."""
    yield _figure(
        path_plots.layers(curves, path_plots.DROPS, "drops"),
        element("b", "Drops. "), *_keys(curves, path_plots.DROPS),
        nothing="no packet was dropped by the queue, and none was lost by the machine.",
    )  # fmt: skip
    if any(kind.total(curves) for kind in path_plots.PATH):
        yield _figure(
            path_plots.layers(curves, path_plots.PATH, "marks, losses"),
            element("b", "Marks and random losses. "), *_keys(curves, path_plots.PATH),
        )  # fmt: skip
    if path_plots.has_state(curves.plan):
        yield _figure(
            path_plots.state(curves),
            element("b", "Queue management. "), path_plots.state_words(curves.plan),
            nothing="the discipline had nothing to do: its state was 0 throughout.",
        )  # fmt: skip


def _keys(curves: LinkCurves, kinds: Sequence[Layer]) -> list[Markup]:
    """The kinds that there were, each with its colour."""
    found = [kind for kind in kinds if kind.total(curves)]
    return [_key(kind.key, kind.words + ("." if kind is found[-1] else ", ")) for kind in found]


def _figure(plot: Markup, title: Markup, *caption: str, nothing: str = "") -> Markup:
    if not plot:
        return element("figure", element("figcaption", title, nothing))
    return element("figure", element("figcaption", title, *caption), plot)


def _key(kind: str, text: str) -> Markup:
    return join(element("span", class_=f"key {kind}"), text)
