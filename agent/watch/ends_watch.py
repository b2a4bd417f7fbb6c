"""The watch over one link's four ends, from the end of its self-check to its result: changes and counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.agent.watch.books import PATIENCE_NS, Books, settle
from plctl.agent.watch.link_watch import LinkWatch
from plctl.agent.watch.listener import Listener
from plctl.common.base.errors import KernelError
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.samples import LinkStats
from plctl.common.telemetry.witness import InterfaceChange, InterfaceWatch


class EndsWatch:
    """The ends of a link that is idle now. To be closed before its namespaces are removed."""

    def __init__(
        self,
        namespaces: LinkNamespaces,
        read: Callable[[], LinkStats],
        listener: Listener,
        tell: Callable[[InterfaceChange], None],
        built: LinkPlan | None = None,
        *,
        xdp: bool = False,
    ) -> None:
        """Begin to watch. Blocks for a moment, or some more if frames pass.

        :param read: gives the counters of the link's forwarder.
        :param tell: is called by the listener's thread with each change as it is heard.
        :param built: by what the link was just built; None: it has stood there, and may be anyhow.
        :param xdp: whether AF_XDP carries its frames, by programs at its inner ends.
        :raises KernelError: a namespace is missing, or the kernel refuses.
        """
        self._listener = listener
        self._read = read
        self._watch = LinkWatch(namespaces, tell, built, xdp=xdp)
        # With `arp: dynamic` the kernel may send a frame before the forwarder is there.
        self.books = Books(self._watch, read, from_zero=built is not None and built.arp == "static")
        try:
            self.books.begin()
            listener.add(self._watch)
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Listen no more: what changes from now on is found by `look`."""
        self._listener.remove(self._watch)

    def look(self) -> bool:
        """Compare everything with what was told and counted; whether the counters need no further look.

        What cannot be seen any more was not heard.
        """
        try:
            before = self._read()
            self._watch.look()
            return self.books.compare(before)
        except KernelError:
            self._watch.places[0].missed += 1
            return True

    def result(self, dead_since_ns: int | None = None) -> InterfaceWatch:
        """What was seen up to now; `dead_since_ns` is when the forwarder died, if it did."""
        return self._watch.result(self.books.passages(), settled=self.books.settled, dead_since_ns=dead_since_ns)

    def close(self) -> None:
        """Watch no more. Twice is harmless."""
        self.stop()
        self._watch.close()


def finish(watches: Sequence[EndsWatch], *, patience_ns: int = PATIENCE_NS) -> None:
    """Close the books of many links together, which takes some milliseconds if none of them misses a frame."""
    for each in watches:
        each.stop()
    settle([each.books for each in watches if not each.look()], patience_ns)
