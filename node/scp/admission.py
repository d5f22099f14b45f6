"""Who may open an association: AE titles and addresses, as configured."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from node.canary import CANARY_AE_TITLE
from node.errors import SettingsError
from node.settings import Peer, ScpSettings

# PS3.8 section 9.3.2: A-ASSOCIATE-RQ carries its titles in 16 bytes each at these offsets.
_TITLES = (slice(10, 26), slice(26, 42))
# PS3.8 forbids a title of spaces alone, yet some senders have none; pynetdicom would abort.
BLANK = "(BLANK)"
_ANY_TITLE = "*"

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Verdict:
    """Whether an association is accepted; else the three codes of A-ASSOCIATE-RJ.

    ``storage`` False: it may echo and reply to requests for storage commitment, no more.
    """

    accepted: bool
    result: int = 0
    source: int = 0
    diagnostic: int = 0
    reason: str = ""
    storage: bool = True


_WELCOME = Verdict(accepted=True)
_FOR_REPLIES = Verdict(accepted=True, storage=False)
# PS3.8 table 9-21: rejected permanent (1) by the service user (1).
_WRONG_CALLED = Verdict(False, 1, 1, 7, "called AE title not recognised")
_WRONG_CALLING = Verdict(False, 1, 1, 3, "calling AE title or address not recognised")
# Rejected transient (2) by the service provider, presentation (3): local limit exceeded.
TOO_MANY = Verdict(False, 2, 3, 2, "local limit exceeded")
TOO_MANY_OF_ONE = Verdict(False, 2, 3, 2, "local limit for one peer exceeded")
# Rejected transient (2) by the service provider, presentation (3): temporary congestion.
NO_ROOM = Verdict(False, 2, 3, 1, "no room on the disk")
PAUSED = Verdict(False, 2, 3, 1, "receiving is paused")


class Admission:
    """Decides from the titles and the address of a requestor.

    Parameters
    ----------
    settings
        ``allowed_peers`` empty admits everyone; a peer's ``host`` may be a name or a network.
    repliers
        Who may reply to requests for storage commitment without being an allowed peer; a host
        name without an address is looked up again when they come.

    Raises
    ------
    SettingsError
        If the host name of a peer has no address.
    """

    def __init__(self, settings: ScpSettings, repliers: Sequence[Peer] = ()) -> None:
        self._repliers = repliers
        self._own_host = settings.host
        self._own_title = settings.ae_title if settings.check_called_ae_title else None
        self._peers = [(peer.ae_title, _places(peer)) for peer in settings.allowed_peers]

    def verdict(self, called_ae_title: str, calling_ae_title: str, address: str) -> Verdict:
        """Whether the requestor may come in."""
        if self._own_title is not None and called_ae_title != self._own_title:
            return _WRONG_CALLED
        if not self._peers or self._is_allowed(calling_ae_title, address):
            return _WELCOME
        if calling_ae_title == CANARY_AE_TITLE and self._is_here(address):
            return _WELCOME
        if self._may_reply(calling_ae_title, address):
            return _FOR_REPLIES
        return _WRONG_CALLING

    def _is_here(self, address: str) -> bool:
        """Whether an address is this machine's: its canary need not be an allowed peer."""
        return ip_address(address.partition("%")[0]).is_loopback or address == self._own_host

    def _is_allowed(self, ae_title: str, address: str) -> bool:
        return any(
            title in (ae_title, _ANY_TITLE) and _is_in(address, places)
            for title, places in self._peers
        )

    def _may_reply(self, ae_title: str, address: str) -> bool:
        for peer in (each for each in self._repliers if each.ae_title == ae_title):
            with suppress(SettingsError):
                if _is_in(address, _places(peer)):
                    return True
        return False


def with_plain_titles(a_associate_rq: bytearray) -> bytearray:
    """The A-ASSOCIATE-RQ PDU with titles that pynetdicom can read.

    NUL-padded titles end at the first NUL, as in C; characters outside the default repertoire
    become question marks; blank titles are named.
    """
    pdu = a_associate_rq.copy()
    for field in _TITLES:
        title = bytes(pdu[field]).split(b"\0")[0].strip()
        plain = bytes(c if 32 <= c < 127 and c != 0x5C else ord("?") for c in title)
        pdu[field] = (plain or BLANK.encode()).ljust(16)
    return pdu


def _is_in(address: str, places: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks; no network means everywhere."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:  # where both kinds are listened for
        found = found.ipv4_mapped
    return not places or any(found in place for place in places)


def _places(peer: Peer) -> Sequence[Network]:
    """The addresses of a peer, as networks; empty means any."""
    if not peer.host:
        return ()
    if "/" in peer.host:
        return (ip_network(peer.host),)
    try:
        found = socket.getaddrinfo(peer.host, None)
    except OSError as problem:
        raise SettingsError(
            f"scp.allowed_peers: host {peer.host!r} has no address ({problem.strerror})"
        ) from problem
    return [ip_network(str(entry[4][0]).partition("%")[0]) for entry in found]
