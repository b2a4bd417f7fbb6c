"""Faults of processes: killed, stopped for a while, started again."""

from __future__ import annotations

import signal
from typing import ClassVar

from truth.world import Process

from chaos.faults.fault import ANY, NONE, Fault


class _Ended(Fault):
    """The daemon is gone, and comes back after a while."""

    lengths_ms = (200, 2500)
    by: ClassVar[signal.Signals] = signal.SIGKILL

    def inject(self) -> bool:
        """By the signal."""
        if self.cluster.daemon(self.host) is None:
            return False
        self.cluster.end(self.host, self.by)
        return True

    def undo(self) -> None:
        """Another life."""
        self.cluster.start(self.host)


class _Signalled(Fault):
    """A part of plctl on the host gets a signal."""

    part: ClassVar[str]
    by: ClassVar[signal.Signals] = signal.SIGKILL

    def inject(self) -> bool:
        """One of those that are there."""
        found = sorted(self.cluster.part(self.host, self.part))
        if not found:
            return False
        self.process: Process = self.dice.choice(found)
        self.what = f"pid {self.process.pid}"
        return self.process.send(self.by)


class _Stopped(_Signalled):
    by = signal.SIGSTOP

    def undo(self) -> None:
        """It goes on."""
        self.process.send(signal.SIGCONT)


class ControllerKilled(_Ended):
    name, where = "kill controller", "controller"


class ControllerRestarted(_Ended):
    name, where, by = "restart controller", "controller", signal.SIGTERM


class ControllerStopped(_Stopped):
    name, where, part, lengths_ms = "stop controller", "controller", "controller", (300, 5000)


class AgentKilled(_Ended):
    """Its links go with it: the next life reaps them."""

    name, running, breaks = "kill agent", ANY, True


class AgentRestarted(_Ended):
    """As `systemctl restart`: it ends its runs before it leaves."""

    name, running, breaks, by = "restart agent", ANY, True, signal.SIGTERM


class AgentStopped(_Stopped):
    """The forwarder goes on; what depends on the agent waits."""

    name, part, lengths_ms, running = "stop agent", "agent", (300, 4000), ANY


class ForwarderKilled(_Signalled):
    name, part, running, breaks = "kill forwarder", "forwarder", ANY, True


class ForwarderEnded(ForwarderKilled):
    """Told to end, as by somebody who wants it started again; the agent starts another."""

    name, by = "end forwarder", signal.SIGTERM


class ForwarderStopped(_Stopped):
    name, part, lengths_ms, running = "stop forwarder", "forwarder", (50, 2500), ANY


class GateKilled(_Signalled):
    name, part, running, at_start = "kill gate", "gate", ANY, True


class GateEnded(GateKilled):
    name, by = "end gate", signal.SIGTERM


class GateStopped(_Stopped):
    name, part, lengths_ms, running, at_start = "stop gate", "gate", (300, 2500), ANY, True


class WorkloadKilled(_Signalled):
    name, part, running = "kill workload", "workload", ANY


class WorkloadEnded(WorkloadKilled):
    name, by = "end workload", signal.SIGTERM


class WorkloadStopped(_Stopped):
    """That a program stands still is the program's affair."""

    name, part, lengths_ms = "stop workload", "workload", (300, 2000)


class FinisherKilled(_Signalled):
    """The verdict stands already."""

    name, where, part, before_t0 = "kill finisher", "controller", "finisher", NONE
    patience_s, at_end = 20.0, True


class FinisherEnded(FinisherKilled):
    name, by = "end finisher", signal.SIGTERM


class FinisherStopped(_Stopped):
    name, where, part, lengths_ms, before_t0 = "stop finisher", "controller", "finisher", (300, 3000), NONE
    patience_s, at_end = 20.0, True


FAULTS = (
    ControllerKilled, ControllerRestarted, ControllerStopped, AgentKilled, AgentRestarted, AgentStopped,
    ForwarderKilled, ForwarderEnded, ForwarderStopped, GateKilled, GateEnded, GateStopped, WorkloadKilled,
    WorkloadEnded, WorkloadStopped, FinisherKilled, FinisherEnded, FinisherStopped,
)  # fmt: skip
