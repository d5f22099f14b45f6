"""Sections of the settings: who is told what the node does."""

from typing import Annotated, Literal

from pydantic import Field

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


class CanarySettings(Section):
    """The canary: a small simulated scan, sent through the whole node and compared."""

    every_hours: Annotated[float, Field(ge=0)] = 0.0
    """How often it is sent; 0: only by perfusion-node canary [h]."""
    patience_s: Annotated[float, Field(gt=0)] = 900.0
    """How long it may take from being sent to its maps [s]."""
    host: str = ""
    """Where the listener is reached; empty: scp.host, or this machine."""
