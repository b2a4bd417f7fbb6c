"""Verdicts are what the witnesses' facts give: each link is judged again."""

from __future__ import annotations

from collections.abc import Iterable

from plctl.controller.results.event_log import Event
from plctl.controller.results.run_record import LinkRecord, RunRecord, facts_of
from plctl.controller.verdict.certificate import judge
from plctl.controller.verdict.verdict import Judgement, Statement, Verdict, judge_run
from plctl.controller.verification.check import ClaimCheck, found


def check_verdicts(record: RunRecord, events: Iterable[Event]) -> ClaimCheck:
    """Each link's verdict and certificate, and the run's, are those that its results give."""
    if not record.verdict:
        return ClaimCheck("verdicts", "unknown", "the run is not over, so nothing was judged")
    log = list(events)
    judgements = {link.plan.name: _judged_again(record, link, log) for link in record.links}
    wrong = []
    for link in record.links:
        again = judgements[link.plan.name]
        if link.verdict != again.verdict:
            wrong.append(f"{link.plan.name} is {again.verdict} by its results, {link.verdict} by run.json")
        elif link.certificate and _outline(link.certificate) != _outline(again.certificate):
            wrong.append(f"the certificate of {link.plan.name} is not what its results give")
    whole = judge_run(judgements).verdict
    if record.verdict != whole:
        wrong.append(f"the run is {whole} by its links, {record.verdict} by run.json")
    return found(
        "verdicts", wrong, f"{len(record.links)} links judged again have the verdict and certificate in run.json"
    )


def _judged_again(record: RunRecord, link: LinkRecord, log: list[Event]) -> Judgement:
    """A failure that only the controller knew of, and that the run was cancelled, stand in the log."""
    told = {str(event.get("event")) for event in log}
    cancelled = "run.cancelled" in told
    known = bool(link.result and link.result.cause)
    failure = link.cause if link.verdict == Verdict.FAILED and not known and _is_told(link, log) else None
    facts = facts_of(link, record.hosts_by_name()[link.host], failure, cancelled, record.duration_ns)
    return judge(facts, record.budget)


def _is_told(link: LinkRecord, log: list[Event]) -> bool:
    """Whether some line of the log has the cause for which `link` failed."""
    return any(event.get("cause") and str(event["cause"]) in link.cause for event in log)


def _outline(certificate: Iterable[Statement]) -> list[tuple[str, bool, str]]:
    """What a certificate says, without words, which differ between versions; limits are known to agents alone."""
    return sorted((each.witness, each.heard, str(each.verdict)) for each in certificate if each.witness != "limits")
