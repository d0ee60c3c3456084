"""How many things one client may hold or try at once."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FREE_ATTEMPTS = 5
LONGEST_WAIT = 300.0
REMEMBERED = 10_000


def client_key(address: str) -> str:
    """What stands for one client: an IPv4 address, or the network of an IPv6 address, within
    which a client may have as many addresses as it likes."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


class Places:
    """A number of places for each client, and a number for all together."""

    def __init__(self, each: int, together: int) -> None:
        self._each = each
        self._together = together
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, client: str) -> Iterator[bool]:
        """A place for as long as the block runs; False if there was none."""
        if self._taken[client] >= self._each or self._taken.total() >= self._together:
            yield False
            return
        self._taken[client] += 1
        try:
            yield True
        finally:
            self._taken[client] -= 1
            self._taken += Counter()  # forgets those at zero


class Attempts:
    """Slows guessing down: after five wrong ones each client waits twice as long as before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, client: str) -> int:
        """Whole seconds until the client may try again; 0 is now."""
        _, until = self._wrong.get(client, (0, 0.0))
        return max(0, math.ceil(until - self._clock()))

    def failed(self, client: str) -> None:
        """The client tried and was wrong."""
        count = self._wrong.pop(client, (0, 0.0))[0] + 1
        waits = min(LONGEST_WAIT, 2.0 ** (count - FREE_ATTEMPTS)) if count >= FREE_ATTEMPTS else 0
        self._wrong[client] = count, self._clock() + waits
        while len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def succeeded(self, client: str) -> None:
        """The client was right; what went before is forgotten."""
        self._wrong.pop(client, None)
