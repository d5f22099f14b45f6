"""Webhook and mail: what is sent, and what is said when it is not taken."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from node.alerts import ChannelError, channels, digest_of
from node.ports import Alert, AlertRecord
from node.settings import AlertSettings, MailSettings, Secret
from tests.support.authority import Authority
from tests.support.mail_server import mail_server
from tests.support.prompt import perfusion_node, settings_file
from tests.support.running_node import free_port

SINCE = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
DISK = AlertRecord(Alert("disk full", "Nothing is received", "Free space."), SINCE, None, None)
MESSAGE = digest_of([DISK], [], [])


@contextmanager
def hook(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's URL and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            posted.append(json.loads(self.rfile.read(size)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", posted
    finally:
        server.shutdown()
        server.server_close()


def mail(port: int, **more: Any) -> AlertSettings:
    to = ("radiology@example.org", "physics@example.org")
    settings = {"host": "127.0.0.1", "port": port, "recipients": to, "security": "none", **more}
    return AlertSettings(mail=MailSettings.model_validate(settings))


def send(settings: AlertSettings) -> None:
    for channel in channels(settings):
        channel.send(MESSAGE)


def test_a_webhook_is_posted_words_and_facts() -> None:
    """Chat services show ``text``; programs read the rest."""
    with hook() as (url, posted):
        send(AlertSettings(webhook=url))
    (body,) = posted
    assert "What to do: Free space." in body["text"]
    facts = {"found": "Nothing is received", "remedy": "Free space."}
    assert body["new"] == [{**facts, "since": "2026-03-14T09:26:00+00:00"}]


def test_a_webhook_that_does_not_take_it_is_named_without_its_secret() -> None:
    """A URL of a chat service is its key: neither the log nor a prompt shows it."""
    with hook(500) as (url, _), pytest.raises(ChannelError, match="answered 500") as refused:
        send(AlertSettings(webhook=url))
    gone = f"http://127.0.0.1:{free_port()}/secret-path"
    with pytest.raises(ChannelError, match="does not answer") as away:
        send(AlertSettings(webhook=gone))
    assert "secret-path" not in str(refused.value) + str(away.value)


def test_mail_goes_to_every_recipient() -> None:
    """With a subject that says how much is the matter, and marked as sent by a machine."""
    with mail_server() as box:
        send(mail(box.port))
    ((to, received),) = box.mails
    assert to == ["radiology@example.org", "physics@example.org"]
    assert str(received["Subject"]).endswith("1 new")
    assert received["Auto-Submitted"] == "auto-generated"
    assert "Nothing is received (since 2026-03-14 09:26 UTC)" in str(received.get_payload())


def test_mail_is_encrypted_and_signed_in_where_the_server_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STARTTLS with a certificate that is checked; the password is read when it is needed."""
    authority = Authority(tmp_path)
    own = authority.identity("mail")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.cert, own.key)
    monkeypatch.setenv("MAIL", "sesame")
    secure = {"security": "starttls", "user": "node", "password": Secret(env="MAIL")}
    with mail_server(context, "sesame") as box:
        send(mail(box.port, **secure, ca=authority.ca))
        with pytest.raises(ChannelError, match="SSLCertVerificationError"):
            send(mail(box.port, **secure))
        monkeypatch.setenv("MAIL", "wrong")
        with pytest.raises(ChannelError, match=r"mail by 127\.0\.0\.1:\d+ failed: it answered 535"):
            send(mail(box.port, **secure, ca=authority.ca))
    assert len(box.mails) == 1


def test_a_mail_server_that_is_away_or_refuses_is_a_fault() -> None:
    """It is told apart from success, and may be tried again."""
    with mail_server() as box:
        box.refuse = True
        with pytest.raises(ChannelError, match="answered 451"):
            send(mail(box.port))
    with pytest.raises(ChannelError, match="ConnectionRefusedError"):
        send(mail(box.port))


def test_the_prompt_says_which_way_took_a_test(tmp_path: Path) -> None:
    """``alerts test``: exit code 1 where a way fails, 2 where there is none."""
    none = settings_file(tmp_path)
    assert perfusion_node("alerts", "test", "-c", none).code == 2
    with hook() as (url, posted), mail_server() as box:
        both = f'[alerts]\nwebhook = "{url}"\n[alerts.mail]\nhost = "127.0.0.1"\n'
        both += f'port = {box.port}\nsecurity = "none"\nrecipients = ["a@example.org"]\n'
        (tmp_path / "both.toml").write_text(both)
        good = perfusion_node("alerts", "test", "-c", tmp_path / "both.toml")
        assert (good.code, len(posted), len(box.mails)) == (0, 1, 1)
        box.refuse = True
        bad = perfusion_node("alerts", "test", "-c", tmp_path / "both.toml")
        assert bad.code == 1
        assert "secret-path" not in good.out + bad.out
        shown = perfusion_node("settings", "show", "-c", tmp_path / "both.toml", "--json")
        assert "secret-path" not in shown.out
