"""The ways to people: a webhook and a mail server."""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from node import tls
from node.alerts.digest import Digest
from node.errors import NodeError, SettingsError
from node.settings import AlertSettings, MailSettings, TlsFiles

_TIMEOUT_S = 20.0


class ChannelError(NodeError):
    """A message could not be handed over."""

    retry = True
    remedy = "Check [alerts], and try it with: perfusion-node alerts test"


class Channel(Protocol):
    """One way to people."""

    @property
    def name(self) -> str:
        """What it is called; never with what is secret about it."""

    def send(self, message: Digest) -> None:
        """Hand a message over.

        Raises
        ------
        ChannelError
            If it was not taken.
        """


def channels(settings: AlertSettings) -> Sequence[Channel]:
    """Every way that the settings name."""
    found: list[Channel] = []
    if settings.webhook:
        found.append(Webhook(settings.webhook))
    if settings.mail.host:
        found.append(Mail(settings.mail))
    return found


class Webhook:
    """Posts JSON to a URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def name(self) -> str:
        """The server that is posted to; the rest of the URL is a secret."""
        return f"webhook at {urlsplit(self._url).hostname}"

    def send(self, message: Digest) -> None:
        """Post a message; no redirection is followed, and no proxy of the environment used."""
        try:
            with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
                answer = client.post(self._url, json=message.json)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as fault:
            raise ChannelError(f"{self.name} does not answer: {type(fault).__name__}") from None
        if not answer.is_success:
            raise ChannelError(f"{self.name} answered {answer.status_code}")


class Mail:
    """Sends mail through a server."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """The mail server."""
        return f"mail by {self._settings.host}:{self._settings.port}"

    def send(self, message: Digest) -> None:
        """Send a message to every recipient."""
        try:
            with self._connected() as server:
                if self._settings.password is not None:
                    server.login(self._settings.user, self._settings.password.read())
                refused = server.send_message(self._mail(message))
        except (OSError, smtplib.SMTPException) as fault:
            raise ChannelError(f"{self.name} failed: {_words(fault)}") from None
        except SettingsError as fault:
            raise ChannelError(f"{self.name} failed: {fault}", fault.remedy) from fault
        if refused:
            raise ChannelError(f"{self.name} refused {len(refused)} recipients")

    def _connected(self) -> smtplib.SMTP:
        place = (self._settings.host, self._settings.port)
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(*place, timeout=_TIMEOUT_S, context=self._context())
        server = smtplib.SMTP(*place, timeout=_TIMEOUT_S)
        if self._settings.security == "starttls":
            try:
                server.starttls(context=self._context())
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server

    def _context(self) -> ssl.SSLContext:
        context = tls.requestor(TlsFiles(ca=self._settings.ca), "alerts.mail")
        context.load_default_certs()
        return context

    def _mail(self, message: Digest) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self._settings.sender or self._settings.recipients[0]
        mail["To"] = ", ".join(self._settings.recipients)
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid()
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note answers it
        mail.set_content(message.text)
        return mail


def _words(fault: Exception) -> str:
    """What a server said, or the kind of fault: an answer may quote what it was told."""
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"it answered {fault.smtp_code}"
    return type(fault).__name__
