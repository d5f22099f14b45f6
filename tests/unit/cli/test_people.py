"""Users, tokens and the audit trail at the prompt."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from node.passwords import matches
from node.people import Means, Role, digest
from tests.support.prompt import Said, perfusion_node, registry_of, settings_file
from tests.support.running_node import ROOT, wait_for

PASSWORD = "four words of nonsense"


def asked(config: Path, *words: str, said: str = "") -> Said:
    """A command with the settings, what is said coming from a pipe."""
    return perfusion_node(*words, "-c", config, said=said)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path)


def test_a_user_comes_changes_and_goes(config: Path) -> None:
    """Before the first start of the node; the password comes out of a pipe and is not shown."""
    added = asked(config, "users", "add", "Ana", "--role", "operator", said=f"{PASSWORD}\n")
    assert added.code == 0
    assert "ana may sign in as operator" in added.out
    with registry_of(config) as registry:
        assert matches(registry.password_hash("ana"), PASSWORD)
    assert asked(config, "users", "role", "ana", "--role", "administrator").code == 0
    (listed,) = asked(config, "users", "list", "--json").json
    assert (listed["name"], listed["role"]) == ("ana", "administrator")
    better = "another five words of nonsense"
    assert asked(config, "users", "password", "ana", said=better).code == 0
    with registry_of(config) as registry:
        assert matches(registry.password_hash("ana"), better)
    gone = asked(config, "users", "remove", "ana")
    assert "without sign-in now" in gone.out
    assert asked(config, "users", "list", "--json").json == []
    assert PASSWORD not in added.out + added.err


@pytest.mark.parametrize(
    ("words", "said", "told", "code"),
    [
        (("users", "add", "ana", "--role", "viewer"), "short\n", "at least 12", 1),
        (("users", "add", "ana", "--role", "viewer"), "", "at least 12", 1),
        (("users", "add", "a b", "--role", "viewer"), PASSWORD, "is no name", 2),
        (("users", "remove", "ana"), "", "no user ana", 1),
        (("users", "password", "ana"), PASSWORD, "no user ana", 1),
        (("users", "role", "ana", "--role", "viewer"), "", "no user ana", 1),
        (("tokens", "revoke", "export"), "", "no token export", 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_says_what_to_do(
    config: Path, words: tuple[str, ...], said: str, told: str, code: int
) -> None:
    """The exit code tells a wrong call from a thing that is not there."""
    answer = asked(config, *words, said=said)
    assert answer.code == code
    assert told in answer.err
    assert "What to do:" in answer.err


def test_a_role_without_a_password_is_for_those_whom_others_sign_in(config: Path) -> None:
    """A proxy or OpenID provider vouches for them; nobody signs in here as them."""
    assert asked(config, "users", "add", "ben@x", "--role", "viewer", "--no-password").code == 0
    with registry_of(config) as registry:
        (ben,) = registry.users()
    assert (ben.role, ben.has_password) == (Role.VIEWER, False)


def test_a_token_is_shown_once(config: Path) -> None:
    """What is printed opens the page; what is kept does not tell it."""
    made = asked(config, "tokens", "add", "export", "--role", "viewer", "--days", "3")
    secret = made.out.strip()
    with registry_of(config) as registry:
        found = registry.token(digest(secret))
    assert found is not None
    assert (found.name, (found.expires_at - found.created_at).days) == ("export", 3)
    listed = asked(config, "tokens", "list")
    assert "export" in listed.out
    assert secret not in listed.out + asked(config, "audit").out
    assert asked(config, "tokens", "add", "export").code == 1
    assert asked(config, "tokens", "revoke", "export").code == 0
    assert "revoked" in asked(config, "tokens", "list").out
    assert asked(config, "tokens", "add", "export", "--json").json["name"] == "export"


def test_what_is_done_at_the_prompt_is_in_the_trail(config: Path) -> None:
    """Who: the account on this machine; what failed is told too."""
    asked(config, "users", "add", "ana", "--role", "viewer", said=PASSWORD)
    asked(config, "users", "remove", "ben")
    removed, added = asked(config, "audit", "--json").json
    assert (added["what"], added["subject"], added["result"]) == ("add_user", "ana", "done")
    assert (removed["what"], removed["result"]) == ("remove_user", "failed")
    assert added["means"] == Means.PROMPT
    assert added["who"]
    shown = asked(config, "audit", "--what", "add_user")
    assert "add_user" in shown.out
    assert "remove_user" not in shown.out
    assert "no such entry" in asked(config, "audit", "--who", "nobody").out


def test_a_password_that_is_typed_is_not_shown(config: Path) -> None:
    """At a terminal it is asked for twice and echoed never; no argument takes one."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "node.cli", "users", "add", "ana", "--role", "viewer"]
    with subprocess.Popen(
        [*command, "-c", str(config)], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        for question in (b"New password:", b"confirmation:"):
            while question not in shown:
                shown += os.read(ours, 4096)
            # What is typed before the echo is off is thrown away, as at any terminal.
            wait_for(lambda: not termios.tcgetattr(ours)[3] & termios.ECHO, "the echo is off")
            os.write(ours, f"{PASSWORD}\n".encode())
        while b"may sign in" not in shown:
            shown += os.read(ours, 4096)
    os.close(ours)
    assert process.returncode == 0
    assert PASSWORD.encode() not in shown
