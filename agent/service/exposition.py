"""What Prometheus scrapes of an agent, where it is asked for: few figures, none finer than the host.

Those of links are the controller's, which has them of all hosts. A thread answers; what it says it asks of the event
loop, where the agent lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from plctl.agent.service.daemon import AgentFigures
from plctl.common import __version__
from plctl.common.base.errors import KernelError
from plctl.common.base.http_address import HttpAddress
from plctl.common.base.units import NS_PER_S

#: How long the agent may take to say how it is.
_PATIENCE_S = 5.0


class Exposition(Collector):
    """Serves /metrics while entered."""

    def __init__(self, address: HttpAddress) -> None:
        self._address = address
        self._figures: Callable[[], AgentFigures] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.port = 0

    def show(self, figures: Callable[[], AgentFigures]) -> None:
        """From now on expose what `figures`, called in the running loop, says."""
        self._figures, self._loop = figures, asyncio.get_running_loop()

    def __enter__(self) -> Self:
        """Begin to listen.

        :raises KernelError: that cannot be listened on.
        """
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        where = f"{self._address.host}:{self._address.port}"
        try:
            self._server, self._thread = start_http_server(self._address.port, self._address.host, registry)
        except OSError as error:
            raise KernelError.from_os(f"serve metrics at {where}", error) from error
        self.port = self._server.server_address[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks for, in a thread of the server's."""
        version = GaugeMetricFamily("plctl_build_info", "Version of plctl.", labels=("version",))
        version.add_metric((__version__,), 1)
        yield version
        with suppress(TimeoutError, RuntimeError):  # it has left, or is busy: what is not known is absent
            if figures := self._ask():
                yield from _families(figures)

    def _ask(self) -> AgentFigures | None:
        if not self._loop or not self._figures:
            return None
        figures = self._figures

        async def look() -> AgentFigures:
            return figures()

        asked = asyncio.run_coroutine_threadsafe(work := look(), self._loop)
        try:
            return asked.result(_PATIENCE_S)
        finally:
            work.close()


def _families(figures: AgentFigures) -> Iterator[Metric]:
    status = figures.status
    yield GaugeMetricFamily("plctl_host_runs", "Runs that have a part here.", figures.runs)
    yield GaugeMetricFamily("plctl_host_free_memory_bytes", "For frames of further links.", status.memory_bytes)
    yield GaugeMetricFamily(
        "plctl_host_unacknowledged_reports", "Reports that the controller has not acknowledged.", status.waiting
    )
    if figures.silent_ns >= 0:
        silence_s = figures.silent_ns / NS_PER_S
        yield GaugeMetricFamily("plctl_host_controller_silence_seconds", "Since the controller was heard.", silence_s)
    if status.bound_ns >= 0:
        bound_s = status.bound_ns / NS_PER_S
        yield GaugeMetricFamily(
            "plctl_host_clock_error_bound_seconds", "Of its clock against the controller's.", bound_s
        )
