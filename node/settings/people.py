"""Sections of the settings: where the page is, who may use it, and who else vouches for them."""

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from node.people import Role
from node.settings.certificates import TlsFiles
from node.settings.secret import Secret
from node.settings.section import Port, Section

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
HeaderName = Annotated[str, Field(pattern=r"^([A-Za-z0-9-]{1,64})?$")]


class ServerTls(Section):
    """The page's own certificate and key (PEM): with them it is served by https."""

    cert: Path | None = None
    """The page's own certificate (PEM): with it the page is served by https."""
    key: Path | None = None
    """Its key, where it is not in the same file."""

    @field_validator("key")
    @classmethod
    def _with_its_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("cert", value) is None:
            raise ValueError("a key needs its certificate: set cert too")
        return value


class ProxySettings(Section):
    """A reverse proxy that has signed people in, and which addresses are believed to be one."""

    addresses: tuple[str, ...] = ()
    """Addresses or networks of the reverse proxy: what its headers say is believed."""
    user_header: Annotated[HeaderName, Field(validate_default=True)] = ""
    """Header in which the proxy names whom it has signed in, such as X-Remote-User."""
    role_header: HeaderName = ""
    """Header in which it names their role."""
    role: Role | None = None
    """Role of those whom neither the registry nor that header gives one; empty: no entry."""

    @field_validator("addresses")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                network = ipaddress.ip_network(each)
            except ValueError as wrong:
                raise ValueError(f"no address or network: {wrong}") from None
            if network.prefixlen == 0:
                raise ValueError(f"{each} is everybody: name the proxy's own address")
        return value

    @field_validator("user_header")
    @classmethod
    def _of_known_addresses(cls, value: str, info: ValidationInfo) -> str:
        if value and not info.data.get("addresses", ("?",)):
            raise ValueError("anybody could send this header: set proxy.addresses too")
        return value

    @property
    def signs_in(self) -> bool:
        """Whether a header of the proxy says who asks."""
        return bool(self.user_header)


class OidcSettings(Section):
    """An OpenID provider that signs people in."""

    issuer: str = ""
    """The OpenID provider's address."""
    client_id: Annotated[str, Field(validate_default=True)] = ""
    """What the provider calls this node."""
    client_secret: Secret | None = None
    """Where the node's secret at the provider is."""
    tls: TlsFiles = TlsFiles()
    """Certificates for the connection with the provider."""
    name_claim: str = "preferred_username"
    """Claim that is the user's name."""
    roles_claim: str = ""
    """Claim that holds their roles: viewer, operator, administrator."""
    role: Role | None = None
    """Role of those whom neither the registry nor that claim gives one; empty: no entry."""
    label: str = "the hospital's account"
    """What the button to sign in with it says."""

    @field_validator("issuer")
    @classmethod
    def _is_encrypted(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        secure = parts.scheme == "https" or parts.hostname in _THIS_MACHINE
        if not secure or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("begins with https:// and names a host, without ? and #")
        return value.rstrip("/")

    @field_validator("client_id")
    @classmethod
    def _with_its_issuer(cls, value: str, info: ValidationInfo) -> str:
        if "issuer" in info.data and bool(value) != bool(info.data["issuer"]):
            raise ValueError("issuer and client_id go together")
        return value

    @property
    def signs_in(self) -> bool:
        """Whether there is such a provider."""
        return bool(self.issuer)


class StatusSettings(Section):
    """Where the status page listens, and who may use it; users are kept in the registry."""

    host: str = "127.0.0.1"
    """Address of the status page."""
    port: Port = 8050
    """Port of the status page."""
    target_s: Annotated[float, Field(gt=0)] = 60.0
    """Within how long after the last image the maps are wanted [s]."""
    names: tuple[str, ...] = ()
    """Host names under which the page is reached, besides addresses and the machine's own."""
    open_to_all: bool = False
    """Whether a page that other machines reach is used without sign-in while there is no user."""
    idle_minutes: Annotated[float, Field(gt=0)] = 30.0
    """After so long without a person's doing a session ends [min]."""
    session_hours: Annotated[float, Field(gt=0)] = 12.0
    """After so long it ends in any case [h]."""
    tls: ServerTls = ServerTls()
    proxy: ProxySettings = ProxySettings()
    oidc: OidcSettings = OidcSettings()
