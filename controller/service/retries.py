"""Makes runs again that were kept from their end, as their requests allow, once there are hosts for them.

A run that may be made again is not over before its next attempt has begun or was given up, so that a controller that is
killed meanwhile does that in its next life; the request is in the journal until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.common.base.errors import PlctlError
from plctl.common.base.log import EventLog
from plctl.common.base.units import NS_PER_S, format_duration
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.controller.hub.journal import Journal
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.run.retry import may_retry
from plctl.controller.service.dispatcher import Requester

#: So long hosts may take to come back, before a run is not made again.
PATIENCE_NS = 300 * NS_PER_S
#: How often it is looked whether they have.
LOOK_NS = 1 * NS_PER_S

#: Begins the attempt after that of a record; its id.
BeginAgain = Callable[[Requester, rq.Submit, RunRecord], Awaitable[str]]


class Retries:
    """The runs that wait to be made again; `begin` begins one, or raises where there are no hosts for it."""

    def __init__(self, journal: Journal, clock: Clock, log: EventLog, begin: BeginAgain) -> None:
        self._journal = journal
        self._clock = clock
        self._log = log
        self._begin = begin
        self._waiting: dict[str, str] = {}  #: runs, and why they are not made again yet

    def keep(self, run: str, submit: rq.Submit) -> None:
        """Write down what asked for `run`, if that may have to be asked again."""
        if submit.request.retries:
            self._journal.keep_submitted(run, m.encode(m.Envelope(submit)))

    def cancel(self, run: str) -> bool:
        """Do not make `run` again; whether it was about to be."""
        return self._waiting.pop(run, None) is not None

    def waits(self, run: str) -> str:
        """What a run that is about to be made again waits for; empty if it is not."""
        return self._waiting.get(run, "")

    async def retry(self, run: str, folder: Path) -> None:
        """Make `run`, of which nothing is left but its folder, again, if it may be."""
        if (data := self._journal.submitted(run)) is None or self._journal.run(run).retried_as:
            return
        try:
            submit = await asyncio.to_thread(lambda: m.decode(data, "operator").message)
            record = await asyncio.to_thread(read_record, folder)
        except PlctlError as error:
            self._log.emit("run.not_retried", run=run, cause=str(error))
            return
        if isinstance(submit, rq.Submit) and may_retry(record):
            await self._begin_in_time(record, submit)

    async def _begin_in_time(self, record: RunRecord, submit: rq.Submit) -> None:
        requester = Requester(self._journal.run(record.run).client, 0)
        until_ns = self._clock.monotonic_ns() + PATIENCE_NS
        self._waiting[record.run] = "it is about to be made again"
        cause = "it was cancelled"
        while record.run in self._waiting:
            try:
                again = await self._begin(requester, submit, record)
            except PlctlError as error:
                cause = str(error)
                self._waiting[record.run] = f"it will be made again once there are hosts for it: {cause}"
            else:
                self._waiting.pop(record.run, None)
                self._log.emit("run.retried", run=record.run, retry=again, cause=record.cause)
                return
            if self._clock.monotonic_ns() >= until_ns:
                del self._waiting[record.run]
                cause = f"for {format_duration(PATIENCE_NS)} there were no hosts for it: {cause}"
            else:
                await self._clock.sleep_until(self._clock.monotonic_ns() + LOOK_NS)
        self._log.emit("run.not_retried", run=record.run, cause=cause)
