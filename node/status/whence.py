"""From where a request came: its peer's address, or what a trusted proxy says of it."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers that tell that a proxy stands between."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Whence:
    """From where a request came.

    Parameters
    ----------
    peer
        Who opened the connection.
    address
        For whom: the peer, or whom a trusted proxy names.
    https
        Whether the browser's connection is encrypted.
    by_proxy
        Whether the peer is a trusted proxy.
    forwarded
        Whether any proxy stands between, trusted or not.
    """

    peer: str
    address: str
    https: bool
    by_proxy: bool
    forwarded: bool

    @property
    def is_this_machine(self) -> bool:
        """Whether the peer is a program on the node's own machine."""
        ip = _ip(self.peer)
        return ip is not None and ip.is_loopback


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks of the settings."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def whence(request: HTTPConnection, proxies: tuple[Network, ...]) -> Whence:
    """From where a request came; only those proxies are believed."""
    peer = request.client.host if request.client else ""
    by_proxy = _is_among(peer, proxies)
    address, https = peer, request.url.scheme == "https"
    if by_proxy:
        named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        # from the right: each proxy appends, and what stands before the first stranger is his word
        others = (n.strip() for n in reversed(named))
        address = next((n for n in others if n and not _is_among(n, proxies)), peer)[:64]
        https = https or request.headers.get("x-forwarded-proto", "").lower() == "https"
    forwarded = any(name in request.headers for name in FORWARDED)
    return Whence(peer, address, https, by_proxy, forwarded)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach a page that listens there."""
    ip = _ip(host)
    return host == "localhost" or (ip is not None and ip.is_loopback)


def _is_among(address: str, known: tuple[Network, ...]) -> bool:
    ip = _ip(address)
    return ip is not None and any(ip in network for network in known)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip
