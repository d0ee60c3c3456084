"""By what names this machine may be called in a Host header.

A name that an attacker owns may resolve to this machine (DNS rebinding), and a browser then takes
his page and ours for one site. His name is in the Host header, so only known names are answered.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import time
from collections.abc import Iterable

import psutil

from app.settings import Settings, is_loopback, is_wildcard

LOOK_AGAIN_SECONDS = 10.0
"""A laptop in another network has another address."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Hosts:
    """The Host headers that are answered: `header in hosts`."""

    def __init__(self, settings: Settings) -> None:
        self._port = settings.port
        self._wide = is_wildcard(settings.host)
        own = LOOPBACK if self._wide else (*LOOPBACK, settings.host)
        self._named = frozenset(name.lower() for name in settings.allow_host)
        self._known = self._headers(own) | self._named | self._headers(self._named)
        self._machine: frozenset[str] = frozenset()
        self._looked = -math.inf

    def __contains__(self, header: str) -> bool:
        return header in self._known or (self._wide and header in self._of_this_machine())

    def behind_a_proxy(self, header: str) -> bool:
        """Whether the artist named this host: what stands before it may speak TLS."""
        return header in self._named

    def _of_this_machine(self) -> frozenset[str]:
        if time.monotonic() - self._looked >= LOOK_AGAIN_SECONDS:
            self._looked = time.monotonic()
            self._machine = self._headers((*names(), *addresses()))
        return self._machine

    def _headers(self, hosts: Iterable[str]) -> frozenset[str]:
        shown = [in_url(host.lower()) for host in hosts]
        bare = shown if self._port == 80 else ()
        return frozenset((*(f"{host}:{self._port}" for host in shown), *bare))


def names() -> list[str]:
    """What this machine is called in its network; nobody is asked for it."""
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    return [name, first, f"{first}.local"] if first not in ("", "localhost") else []


def addresses() -> list[str]:
    """The addresses others can reach this machine by, the most likely one first."""
    found = [
        ipaddress.ip_address(entry.address.partition("%")[0])
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    ]
    reachable = [one for one in found if not (one.is_loopback or one.is_link_local)]
    return [str(one) for one in sorted(reachable, key=_unlikeliness)]


def _unlikeliness(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[int, int]:
    """Homes have 192.168, offices 10, containers of this machine 172.16."""
    likely = ("192.168.0.0/16", "10.0.0.0/8", "100.64.0.0/10", "0.0.0.0/0")
    fitting = (
        place
        for place, network in enumerate(likely)
        if address.version == 4 and address in ipaddress.ip_network(network)
    )
    return next(fitting, len(likely)), int(address)


def in_url(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def reached_at(settings: Settings) -> tuple[str, list[str]]:
    """URL of the page on this machine, and those for others in the network."""
    if is_loopback(settings.host):
        return f"http://{in_url(settings.host)}:{settings.port}", []
    if not is_wildcard(settings.host):
        url = f"http://{in_url(settings.host)}:{settings.port}"
        return url, [url]
    here = "127.0.0.1" if "." in settings.host else "[::1]"
    others = [f"http://{in_url(one)}:{settings.port}" for one in addresses()]
    return f"http://{here}:{settings.port}", others
