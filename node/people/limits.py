"""How long a session lasts, and how often a password may be guessed."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Expiry:
    """When a session ends by itself.

    Parameters
    ----------
    idle
        After its last use by a person; what a page asks for by itself is no use.
    whole
        After the sign-in, however much it is used.
    """

    idle: timedelta = timedelta(minutes=30)
    whole: timedelta = timedelta(hours=12)

    def is_over(self, began_at: datetime, used_at: datetime, now: datetime) -> bool:
        """Whether a session is over that began and was last used then."""
        return now - used_at >= self.idle or now - began_at >= self.whole


@dataclass(frozen=True)
class Attempts:
    """How many sign-ins may fail before more are refused unread.

    An attempt is counted before its password is looked at, and forgiven when it is right: many
    at once get no further than one after another.

    Parameters
    ----------
    per_name, per_address
        Failures under one name, whether or not it exists, and from one address.
    window
        How far back they are counted.
    """

    per_name: int = 10
    per_address: int = 50
    window: timedelta = timedelta(minutes=15)


def counted_as(address: str) -> str:
    """Under what an address is counted: IPv6 by its /64, which one host has whole (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
