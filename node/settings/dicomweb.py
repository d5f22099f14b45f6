"""How a DICOMweb server is reached: its address, who asks, and whom to trust."""

from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from node.settings.certificates import TlsFiles
from node.settings.secret import Secret
from node.settings.section import Section

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class DicomWeb(Section):
    """A DICOMweb server (PS3.18): the address that ``/studies`` is appended to, and credentials."""

    url: str
    """Its address, to which /studies is appended."""
    token: Secret | None = None
    """Where its bearer token is."""
    password: Secret | None = None
    """Where the user's password is."""
    user: str = Field("", validate_default=True)
    """Name of the user, for basic authentication."""
    tls: TlsFiles = TlsFiles()

    @field_validator("url")
    @classmethod
    def _is_a_root(cls, value: str) -> str:
        # the value itself is not repeated in what is said: somebody may have put a password there
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as wrong:
            raise ValueError(f"no address: {wrong}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ValueError("begins with http:// or https:// and names a host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds no credentials: set user and password, or token")
        if parts.query or parts.fragment:
            raise ValueError("ends with a path: no ? and no #")
        root = value.rstrip("/")
        if root.endswith("/studies"):
            raise ValueError("ends before /studies: the node appends that itself")
        return root

    @field_validator("password")
    @classmethod
    def _one_kind_of_credentials(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if value is not None and info.data.get("token") is not None:
            raise ValueError("set either token, or user and password")
        return value

    @field_validator("user")
    @classmethod
    def _with_its_password(cls, value: str, info: ValidationInfo) -> str:
        if "password" in info.data and bool(value) != (info.data["password"] is not None):
            raise ValueError("user and password go together")
        if ":" in value:
            raise ValueError("a user's name has no colon (RFC 7617)")
        return value

    @field_validator("tls")
    @classmethod
    def _over_tls(cls, value: TlsFiles, info: ValidationInfo) -> TlsFiles:
        if value != TlsFiles() and info.data.get("url", "https:").startswith("http:"):
            raise ValueError("certificates need a url that begins with https://")
        return value

    @property
    def shows_credentials(self) -> bool:
        """Whether credentials leave this machine unencrypted."""
        parts = urlsplit(self.url)
        known = self.token is not None or self.password is not None
        return known and parts.scheme == "http" and parts.hostname not in _THIS_MACHINE
