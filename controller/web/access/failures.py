"""Makes whoever guesses tokens wait: after a few wrong ones an address waits, longer each time."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from plctl.common.base.errors import UserError

#: Wrong tokens that cost nothing; then a wait that doubles, up to the greatest.
FREE_FAILURES = 5
FIRST_WAIT_S = 1.0
GREATEST_WAIT_S = 300.0
#: Addresses that are remembered; an IPv6 host has a whole /64.
MOST_ADDRESSES = 4096


class TooManyFailuresError(UserError):
    """This address has shown too many wrong tokens."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, round(wait_s + 0.5))
        super().__init__(f"too many wrong tokens from this address; try again in {self.wait_s} s")


class Failures:
    """Counts wrong tokens by address."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._found: OrderedDict[str, tuple[int, float]] = OrderedDict()  #: address → failures, and until when it waits

    def check(self, address: str) -> None:
        """Return if `address` may try.

        :raises TooManyFailuresError: it must wait.
        """
        _, until_s = self._found.get(_network(address), (0, 0.0))
        if (wait_s := until_s - self._clock_s()) > 0:
            raise TooManyFailuresError(wait_s)

    def note(self, address: str) -> None:
        """A wrong token came from `address`."""
        network = _network(address)
        count = self._found.pop(network, (0, 0.0))[0] + 1
        over = count - FREE_FAILURES
        wait_s = min(GREATEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(over, 20)) if over >= 0 else 0.0
        self._found[network] = count, self._clock_s() + wait_s
        while len(self._found) > MOST_ADDRESSES:
            self._found.popitem(last=False)

    def forgive(self, address: str) -> None:
        """A right one came from `address`."""
        self._found.pop(_network(address), None)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
