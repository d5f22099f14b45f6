"""Users, API tokens and the audit trail at a prompt."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import age, print_json, print_table, say, until
from node.errors import NodeError
from node.people import Means, Role, Visitor, digest, new_secret, user_name
from node.ports import AuditEntry, AuditQuestion, AuditResult, AuditTrail, TokenRecord
from node.wiring import Node

if TYPE_CHECKING:
    from node.registry import Registry

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and . _ @ + -")]
_AnyRole = Annotated[
    Role,
    typer.Option(
        "--role",
        case_sensitive=False,
        help="viewer: looks; operator: also retries, cancels, sends again; administrator: also "
        "users, tokens and the audit trail.",
    ),
]


def add_user(
    name: _Name,
    role: _AnyRole,
    config: ConfigOption = None,
    no_password: Annotated[
        bool,
        typer.Option(
            "--no-password",
            help="Only give a role to somebody whom a proxy or OpenID provider signs in.",
        ),
    ] = False,
) -> None:
    """Add somebody who may use the status page; the password is asked for, or read from a pipe.

    With the first user, sign-in is on: nobody uses the page without it any more.
    """
    from node.passwords import new_hash

    called = _named(name)
    kept = None if no_password else new_hash(_new_password(), called)
    with _registry(config) as registry, told(registry, "add_user", called):
        registry.add_user(called, role, kept, _now())
    say(f"{called} may sign in as {role}." if kept else f"{called} is {role}, without a password.")


def list_users(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List who may use the status page: role, and when they last signed in."""
    with _registry(config) as registry:
        found = registry.users()
    if json:
        print_json([asdict(user) for user in found])
        return
    print_table(
        "Users",
        ("Name", "Role", "Password", "Signed in"),
        (
            (
                user.name,
                str(user.role),
                f"{age(user.password_at)} old" if user.password_at else "none",
                _ago(user.signed_in_at),
            )
            for user in found
        ),
    )
    if not found:
        say("There is no user: add one with perfusion-node users add NAME --role administrator")


def remove_user(name: _Name, config: ConfigOption = None) -> None:
    """Remove a user; their sessions end at once. API tokens are a matter of their own."""
    called = _named(name)
    with _registry(config) as registry, told(registry, "remove_user", called):
        registry.remove_user(called)
        left = registry.has_users()
    say(f"{called} may not sign in any more.")
    if not left:
        say("That was the last user: a page on 127.0.0.1 is without sign-in now.")


def set_role(name: _Name, role: _AnyRole, config: ConfigOption = None) -> None:
    """Give a user another role; it holds from their next click on."""
    called = _named(name)
    with _registry(config) as registry, told(registry, "set_role", called, str(role)):
        registry.set_role(called, role)
    say(f"{called} is {role} now.")


def set_password(name: _Name, config: ConfigOption = None) -> None:
    """Give a user another password, asked for or read from a pipe; ends their sessions.

    Also the way back in for somebody who was shut out after too many failed attempts.
    """
    from node.passwords import new_hash

    called = _named(name)
    kept = new_hash(_new_password(), called)
    with _registry(config) as registry, told(registry, "set_password", called):
        registry.set_password(called, kept, _now())
    say(f"{called} has a new password; every session of theirs has ended.")


def add_token(
    name: _Name,
    config: ConfigOption = None,
    role: _AnyRole = Role.VIEWER,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good.")] = 90,
    json: JsonOption = False,
) -> None:
    """Make an API token for a script; it is shown this once, and kept only as a hash.

    The script sends it with every request: Authorization: Bearer TOKEN
    """
    called, secret, now = _named(name), new_secret("pn_"), _now()
    who = prompt().name[:64]
    token = TokenRecord(called, role, who, now, now + timedelta(days=days), None, None)
    with _registry(config) as registry, told(registry, "add_token", called, f"{role}, {days} d"):
        registry.add_token(digest(secret), token)
    if json:
        print_json({"name": called, "role": role, "token": secret, "expires_at": token.expires_at})
    else:
        say(secret)


def list_tokens(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List API tokens: role, until when they are good, and when they were last used."""
    with _registry(config) as registry:
        found = registry.tokens()
    if json:
        print_json([asdict(token) for token in found])
        return
    print_table(
        "API tokens",
        ("Name", "Role", "Good", "Used", "Made by"),
        (
            (
                t.name,
                str(t.role),
                _goodness(t),
                _ago(t.used_at),
                t.created_by,
            )
            for t in found
        ),
    )
    if not found:
        say("There is no API token.")


def revoke_token(name: _Name, config: ConfigOption = None) -> None:
    """Make an API token worthless, at once."""
    called = _named(name)
    with _registry(config) as registry, told(registry, "revoke_token", called):
        registry.revoke_token(called, _now())
    say(f"The token {called} opens nothing any more.")


def audit(
    config: ConfigOption = None,
    who: Annotated[str, typer.Option(metavar="NAME", help="Only of this user or token.")] = "",
    what: Annotated[str, typer.Option(metavar="WORD", help="Only this, such as retry.")] = "",
    on: Annotated[str, typer.Option(metavar="ID", help="Only on this series or user.")] = "",
    result: Annotated[
        AuditResult | None, typer.Option(case_sensitive=False, help="Only with this result.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 50,
    json: JsonOption = False,
) -> None:
    """Show the audit trail: who did what, on what, when, from where, and what came of it.

    Refused attempts are in it too. No entry is ever changed or deleted.
    """
    question = AuditQuestion(who, what, on, result, limit=limit)
    with _registry(config) as registry:
        found = registry.audited(question)
    if json:
        print_json([asdict(entry) for entry in found])
        return
    print_table(
        "Audit trail",
        ("When", "Who", "From", "What", "On", "Result"),
        (
            (
                f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
                f"{entry.who or '-'} ({entry.means})",
                entry.address,
                entry.what,
                entry.subject or "-",
                f"{entry.result}: {entry.detail}" if entry.detail else str(entry.result),
            )
            for entry in found
        ),
    )
    if not found:
        say("There is no such entry.")


def prompt() -> Visitor:
    """Whoever types: the account on this machine."""
    return Visitor(person(), Role.ADMINISTRATOR, Means.PROMPT, socket.gethostname())


def person() -> str:
    """Who sits at the prompt, as the machine knows them; ``sudo`` tells who asked it."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have
        return f"user {os.getuid()}"


@contextmanager
def told(trail: AuditTrail, what: str, subject: str, detail: str = "") -> Iterator[None]:
    """What is done at the prompt within the block is an entry of the audit trail."""
    try:
        yield
    except NodeError as fault:
        failed = AuditResult.FAILED
        trail.audit(AuditEntry.of(prompt(), _now(), what, subject, failed, str(fault)))
        raise
    trail.audit(AuditEntry.of(prompt(), _now(), what, subject, detail=detail))


@contextmanager
def _registry(config: Path | None) -> Iterator[Registry]:
    """The registry; made where there is none, so that users can be added before the first start."""
    with Node(settings_from(config)) as node:
        yield node.registry


def _named(text: str) -> str:
    if name := user_name(text):
        return name
    raise BadCallError(
        f"{text!r} is no name",
        "Use 1 to 64 letters, digits or . _ @ + -, and begin with a letter or digit.",
    )


def _new_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _ago(moment: datetime | None) -> str:
    return f"{age(moment)} ago" if moment else "never"


def _goodness(token: TokenRecord) -> str:
    if token.revoked_at:
        return "revoked"
    return f"for {until(token.expires_at)}" if token.is_good(_now()) else "expired"


def _now() -> datetime:
    return datetime.now(UTC)
