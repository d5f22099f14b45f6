"""Sections of the settings: who is told what the node does."""

from typing import Literal

from node.settings.certificates import PeerTls
from node.settings.section import Port, Section


class AuditSettings(Section):
    """The audit trail (PS3.15 A.5), sent to a syslog server; without a host there is none."""

    host: str = ""
    """Address of the syslog server; empty: nothing is sent."""
    port: Port = 514
    """Its port; 6514 is registered for TLS."""
    protocol: Literal["udp", "tcp", "tls"] = "udp"
    """udp, tcp or tls (RFC 5426, 6587, 5425)."""
    source_id: str = ""
    """What the node is called in the trail; empty: the machine's name."""
    site_id: str = ""
    """What the site is called in the trail; empty: not told."""
    tls: PeerTls = PeerTls()
    """Whom to trust and what to show, where the protocol is tls."""
