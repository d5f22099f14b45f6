"""TLS as DICOM asks for it: PS3.15's BCP 195 profile, for listener and senders alike.

TLS 1.2 or later and only suites with forward secrecy and authenticated encryption (RFC 9325
section 4.2): a peer that offers less is refused, never met half-way. Certificates are always
checked, and dates with them.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from cryptography import x509

from node.errors import SettingsError
from node.settings import ScpTls, ServerTls, Settings, TlsFiles

# Of TLS 1.2; those of TLS 1.3 all are of this kind (RFC 8446 section 9.1).
_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
# OpenSSL's reasons for bytes that are none of TLS: a plain association request, a web browser.
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
_MEND = "Check that it is there, readable, PEM, and that the key fits the certificate."
Context = TypeVar("Context", bound=ssl.SSLContext)
_ASKED = {
    "required": ssl.CERT_REQUIRED,
    "optional": ssl.CERT_OPTIONAL,
    "none": ssl.CERT_NONE,
}


def acceptor(files: ScpTls, key: str = "scp.tls") -> ssl.SSLContext:
    """What a server of the node answers a TLS handshake with.

    Parameters
    ----------
    files
        Certificate and key, and whom clients' certificates must be signed by.
    key
        Which key of the settings has them, for people.

    Raises
    ------
    SettingsError
        If a certificate or key cannot be used.
    """
    context = _narrowed(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _load(context, key, files)
    context.verify_mode = _ASKED[files.client_certificate]
    return context


def page_acceptor(files: ServerTls) -> ssl.SSLContext | None:
    """What the status page answers a TLS handshake with; None where it speaks plain HTTP.

    Raises
    ------
    SettingsError
        If certificate or key cannot be used.
    """
    if files.cert is None:
        return None
    shown = ScpTls(cert=files.cert, key=files.key, client_certificate="none")
    return acceptor(shown, "status.tls")


class Requestor(ssl.SSLContext):
    """What a sender begins handshakes with; it remembers why the last one failed."""

    fault: ssl.SSLError | None = None


class _Calling(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except ssl.SSLError as fault:
            cast(Requestor, self.context).fault = fault
            raise


def requestor(files: TlsFiles, key: str, *, check_host: bool = True) -> Requestor:
    """What a sender begins a TLS handshake with; without ``ca`` it trusts whom the system trusts.

    Parameters
    ----------
    files
        Certificates and key.
    key
        Which key of the settings has them, for people.
    check_host
        Whether the peer's certificate must name the host that was asked for.

    Raises
    ------
    SettingsError
        If a certificate or key cannot be used.
    """
    context = _narrowed(Requestor(ssl.PROTOCOL_TLS_CLIENT))
    context.sslsocket_class = _Calling
    context.check_hostname = check_host
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # ca may be the peer's own certificate
    if files.ca is None:
        context.load_default_certs()
    _load(context, key, files)
    return context


def certificates(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Every file of certificates in the settings, with its key for people."""
    sections: list[tuple[str, TlsFiles | ServerTls | None]] = [("scp.tls", settings.scp.tls)]
    sections += [(f"destination {each.name}", each.tls) for each in settings.destinations]
    sections.append(("audit.tls", settings.audit.tls))
    sections.append(("status.tls", settings.status.tls))
    sections.append(("status.oidc.tls", settings.status.oidc.tls))
    for name, files in sections:
        for key in ("cert", "ca"):
            if path := getattr(files, key, None):
                yield f"{name} {key}", path


def words(fault: ssl.SSLError) -> str:
    """Why a handshake failed, said of the peer."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {fault.verify_message}"
    reason = fault.reason or "the connection ended within the handshake"
    return "it does not speak TLS" if reason in _NO_TLS else reason.lower().replace("_", " ")


def expiry(certificate: Path) -> datetime:
    """When the first of the certificates in a PEM file ends.

    Raises
    ------
    SettingsError
        If there is none, or it cannot be read.
    """
    try:
        found = x509.load_pem_x509_certificates(certificate.read_bytes())
        return min(each.not_valid_after_utc for each in found).astimezone(UTC)
    except (OSError, ValueError) as fault:
        raise SettingsError(f"{certificate} holds no readable certificate", _MEND) from fault


def _narrowed(context: Context) -> Context:
    """The context with what the profile allows, and nothing else."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def _load(context: ssl.SSLContext, key: str, files: TlsFiles) -> None:
    try:
        if files.ca is not None:
            context.load_verify_locations(files.ca)
    except (OSError, ValueError) as fault:  # an SSLError is an OSError
        raise SettingsError(f"{key}.ca: {files.ca} cannot be used", _MEND) from fault
    try:
        if files.cert is not None:
            context.load_cert_chain(files.cert, files.key, password=_no_password)
    except (OSError, ValueError) as fault:
        named = " with ".join(str(each) for each in (files.cert, files.key) if each)
        raise SettingsError(f"{key}.cert: {named} cannot be used", _MEND) from fault


def _no_password() -> str:
    """OpenSSL would ask at the terminal for a key's password, and wait for ever."""
    raise ValueError("the key is encrypted")
