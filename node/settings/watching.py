"""Sections of the settings: who is told what the node does."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from node.settings.certificates import PeerTls
from node.settings.secret import Secret
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


class MailSettings(Section):
    """The mail server that alerts go through; without a host no mail is sent."""

    host: str = ""
    """Address of the mail server (SMTP); empty: no mail."""
    port: Port = 587
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls, tls (from the first byte, mostly port 465) or none."""
    ca: Path | None = None
    """Authorities to trust besides the system's (PEM)."""
    user: str = ""
    """Name to sign in with; empty: without."""
    password: Secret | None = None
    """Where its password is."""
    sender: str = ""
    """Address that the mail comes from; empty: the first recipient's."""
    recipients: tuple[str, ...] = ()
    """Addresses that the mail goes to."""

    @model_validator(mode="after")
    def _goes_to_somebody(self) -> "MailSettings":
        if self.host and not self.recipients:
            raise ValueError("name recipients, or no host")
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password go together")
        if any("@" not in address for address in (*self.recipients, self.sender or "@")):
            raise ValueError("an address has an @")
        return self


class AlertSettings(Section):
    """Alerts: what people are told without looking, by webhook and mail, as a digest."""

    webhook: str = ""
    """URL that alerts are posted to as JSON; as secret as what it opens; empty: none."""
    first_s: Annotated[float, Field(ge=0)] = 60.0
    """How long a trouble must last until it is told [s]."""
    digest_minutes: Annotated[float, Field(ge=0)] = 15.0
    """After a message, others wait so long and come together [min]."""
    remind_hours: Annotated[float, Field(ge=0)] = 24.0
    """What lasts is told again after so long; 0: once [h]."""
    waiting_minutes: Annotated[float, Field(gt=0)] = 30.0
    """A series that waits longer than this for its maps is an alert [min]."""
    study_uids: bool = False
    """Whether alerts name series by their whole UID, not only by its end."""
    mail: MailSettings = MailSettings()

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("begins with http:// or https://")
        return value
