"""What every fault is: how it is begun and undone, how long it lasts, and what a run may become that it meets."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from chaos.cluster import CONTROLLER, Cluster

#: Every verdict but `ok` and `cancelled`.
ANY = frozenset({"late", "skewed", "overloaded", "unproven", "failed"})
NONE: frozenset[str] = frozenset()


class Fault(ABC):
    """One fault at one host."""

    name: ClassVar[str]
    #: Where it happens: on one of the agents' hosts, on the controller's, or on either.
    where: ClassVar[Literal["agent", "controller", "either"]] = "agent"
    lengths_ms: ClassVar[tuple[int, int]] = (0, 0)  #: between which its length is drawn; (0, 0): it is not undone
    #: What may become of a run that it meets before T0, and after. Anything else is a false alarm.
    before_t0: ClassVar[frozenset[str]] = ANY
    running: ClassVar[frozenset[str]] = NONE
    patience_s: ClassVar[float] = 5.0  #: how long what it is aimed at is looked for
    at_start: ClassVar[bool] = False  #: it begins when a run is asked for
    at_end: ClassVar[bool] = False  #: it begins when the first run, which then draws a report, is being completed
    breaks: ClassVar[bool] = False  #: a run that it meets between T0 and the end cannot be `ok`
    ends_daemons: ClassVar[bool] = False  #: the daemon of the host may end because of it
    with_quota: ClassVar[bool] = False  #: the host's folders lie on a file system with quotas
    spoils_journal: ClassVar[bool] = False  #: what the controller acknowledged may be forgotten

    def __init__(self, host: str, dice: random.Random, cluster: Cluster) -> None:
        self.cluster = cluster
        self.host = host
        self.dice = dice
        self.what = ""  #: was done in the end, for whoever wonders
        self.variant = ""  #: of its kind, which the table tells apart
        self.run = ""  #: the only run that it means, if it means one

    @abstractmethod
    def inject(self) -> bool:
        """Do it; False if what it is aimed at is not there yet."""

    def undo(self) -> None:  # noqa: B027  (what needs no undoing)
        """Take it back."""

    def meets(self, run: str, hosts: frozenset[str]) -> bool:
        """Whether it is any business of this run on these hosts."""
        if self.run:
            return run == self.run
        return self.host == CONTROLLER or self.host in hosts
