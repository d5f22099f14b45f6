"""Certificates and keys (PEM), and how much of them a peer must show."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from node.settings.section import Section


class TlsFiles(Section):
    """Certificates (PEM): whom to trust besides the system's authorities, and who asks."""

    ca: Path | None = None
    """Certificates of authorities to trust besides the system's (PEM)."""
    cert: Path | None = None
    """The node's own certificate (PEM), where the server asks for one."""
    key: Path | None = None
    """Its key, where it is not in the same file; not encrypted."""

    @field_validator("key")
    @classmethod
    def _with_its_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("cert", value) is None:
            raise ValueError("a key needs its certificate: set cert too")
        return value


class PeerTls(TlsFiles):
    """TLS with a peer that the node calls: whom to trust, and what the node shows of itself."""

    check_host: bool = True
    """Whether its certificate must name its host; its authority and dates are always checked."""


class ScpTls(TlsFiles):
    """TLS of the listener: its certificate, and whether senders must show one (BCP 195)."""

    ca: Path | None = None
    """Authorities whose certificates senders may show (PEM)."""
    cert: Path
    """The listener's certificate, with those between it and its authority (PEM)."""
    client_certificate: Literal["required", "optional", "none"] = "required"
    """required: mutual authentication; optional: what is shown is checked; none: not asked for."""
    handshake_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    """How long a handshake may take [s]."""

    @model_validator(mode="after")
    def _knows_whom_to_trust(self) -> "ScpTls":
        if self.ca is None and self.client_certificate != "none":
            raise ValueError(
                "name in ca who signs the senders' certificates, "
                'or set client_certificate = "none"'
            )
        return self
