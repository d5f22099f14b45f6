"""A mail server on 127.0.0.1 that keeps what it is sent: aiosmtpd, with STARTTLS and sign-in."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.support.running_node import free_port


@dataclass
class Mailbox:
    """Every mail that came, with who it was for; ``refuse`` answers with 451 instead."""

    port: int
    mails: list[tuple[list[str], Message]] = field(default_factory=list)
    refuse: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        if self.refuse:
            return "451 come again"
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, password: str = "") -> Iterator[Mailbox]:
    """The server, for the length of a block; with a password it wants to know who sends."""
    box = Mailbox(free_port())

    def known(_server: Any, _session: Any, _envelope: Any, _method: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == password.encode()
        return AuthResult(success=good, handled=False)

    options: dict[str, Any] = {}
    if tls is not None:
        options = {"tls_context": tls, "require_starttls": True}
    if password:
        options |= {"authenticator": known, "auth_required": True}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
