"""One thread that listens to the interfaces of all links of an agent.

It sleeps in epoll over the sockets of all watches, so that a link at which nothing changes costs nothing. A thread of
its own, not the agent's event loop, so that what happens is dated when it happens, whatever else the agent does.
"""

from __future__ import annotations

import os
import select
import threading
from contextlib import ExitStack

from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.watch.link_watch import LinkWatch
from plctl.agent.watch.name_watch import NameWatch
from plctl.agent.watch.namespace_watch import NamespaceWatch
from plctl.common.base.errors import KernelError
from plctl.common.base.threads import start_thread

_Place = tuple[LinkWatch, NamespaceWatch]


class Listener:
    """Hears for all watches that are added, until they are removed. Starts with the first; `close` ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  #: held while the thread uses any watch
        self._places: dict[int, _Place] = {}  #: by descriptor
        self._by_name: dict[str, _Place] = {}
        self._epoll: select.epoll | None = None
        self._names: NameWatch | None = None
        self._wake = -1
        self._thread: threading.Thread | None = None

    def add(self, watch: LinkWatch) -> None:
        """Hear for `watch` from now on.

        :raises KernelError: the kernel refuses.
        """
        with self._lock:
            epoll = self._start()
            for each in watch.places:
                self._places[each.fileno()] = self._by_name[each.netns] = (watch, each)
                epoll.register(each.fileno(), select.EPOLLIN)

    def remove(self, watch: LinkWatch) -> None:
        """Hear for `watch` no more: it is the caller's again. Twice is harmless.

        Had the thread come to an end, the watch has missed something.
        """
        with self._lock:
            for each in watch.places:
                if self._epoll and self._places.pop(each.fileno(), None):
                    self._epoll.unregister(each.fileno())
                    self._by_name.pop(each.netns, None)
                    if not (self._thread and self._thread.is_alive()):
                        each.missed += 1

    def close(self) -> None:
        """End the thread. Twice is harmless."""
        if self._thread:
            os.eventfd_write(self._wake, 1)
            self._thread.join()
            self._thread = None
        if self._epoll:
            self._epoll.close()
            os.close(self._wake)
            self._epoll = None
        if self._names:
            self._names.close()
            self._names = None

    def _start(self) -> select.epoll:
        if self._epoll:
            return self._epoll
        with ExitStack() as undo:  # what is made is given back, unless all of it could be made
            try:
                names = NameWatch(NETNS_DIR)
                undo.callback(names.close)
                epoll = select.epoll()
                undo.callback(epoll.close)
                wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
                undo.callback(os.close, wake)
                epoll.register(wake, select.EPOLLIN)
                epoll.register(names.fileno(), select.EPOLLIN)
            except OSError as error:
                raise KernelError.from_os("listen to interfaces", error) from error
            thread = threading.Thread(target=self._listen, args=(epoll, names, wake), name="interfaces")
            start_thread(thread)
            undo.pop_all()
        self._names, self._epoll, self._wake, self._thread = names, epoll, wake, thread
        return epoll

    def _listen(self, epoll: select.epoll, names: NameWatch, wake: int) -> None:
        while True:
            for descriptor, _ in epoll.poll():
                if descriptor == wake:
                    return
                with self._lock:
                    if descriptor == names.fileno():
                        self._hear_names(names)
                    elif place := self._places.get(descriptor):  # it may have been removed just now
                        self._hear(*place)

    def _hear(self, watch: LinkWatch, namespace: NamespaceWatch) -> None:
        try:
            watch.hear(namespace)
        except KernelError:  # nobody listens any more: the last look finds what changed, not when
            namespace.missed += 1
            epoll = self._epoll
            assert epoll is not None
            epoll.unregister(namespace.fileno())
            del self._places[namespace.fileno()]

    def _hear_names(self, names: NameWatch) -> None:
        heard = set(names.hear())
        places = self._by_name.values() if "" in heard else (self._by_name[name] for name in heard & set(self._by_name))
        for watch, namespace in places:
            watch.check_name(namespace)
