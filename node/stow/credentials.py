"""Who asks, and whom to believe: read from the configured files for each exchange."""

import re
import ssl
from collections.abc import Generator
from pathlib import Path

import httpx

from node.errors import PeerUnreachableError, SettingsError
from node.settings import Secret, WebDestination

_ALLOWED = r"[A-Za-z0-9._~+/=-]+"  # of a token: RFC 6750 2.1


def credentials(destination: WebDestination) -> httpx.Auth | None:
    """Credentials as they are now: a token that was renewed counts at once.

    Raises
    ------
    PeerUnreachableError
        If they cannot be read.
    """
    if destination.token is not None:
        return _Bearer(_read(destination, "token", destination.token))
    if destination.password is not None:
        password = _read(destination, "password", destination.password)
        return httpx.BasicAuth(destination.user, password)
    return None


class _Bearer(httpx.Auth):
    """A bearer token (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header (httpx's hook)."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _read(destination: WebDestination, key: str, secret: Secret) -> str:
    wrong, text = "", ""
    try:
        text = secret.read()
    except SettingsError as fault:
        wrong = str(fault)
    if not text.isprintable() or (key == "token" and not re.fullmatch(_ALLOWED, text)):
        wrong = wrong or "it holds characters that none can have"
    if wrong:
        found = f"the {key} of destination {destination.name} cannot be used: {wrong}"
        raise PeerUnreachableError(found, f"Mend the destination's {key}, or what it names.")
    return text


def trust(destination: WebDestination) -> ssl.SSLContext:
    """Whom to believe, and with which certificate to ask.

    Raises
    ------
    PeerUnreachableError
        If a certificate or key cannot be used.
    """
    files = destination.tls
    try:
        context = ssl.create_default_context()
        if files.ca is not None:
            context.load_verify_locations(files.ca)
        if files.cert is not None:
            context.load_cert_chain(files.cert, files.key, password=_no_password)
    except (OSError, ValueError) as fault:  # an SSLError is an OSError
        named = ", ".join(str(p) for p in (files.ca, files.cert, files.key) if isinstance(p, Path))
        raise PeerUnreachableError(
            f"a certificate of destination {destination.name} cannot be used: {named}",
            "Check that the files of tls are there, readable, PEM, and that key fits cert.",
        ) from fault
    return context


def _no_password() -> str:
    """OpenSSL would ask at the terminal for a key's password, and wait for ever."""
    raise ValueError("the key is encrypted")
