"""Roles, names, passwords, secrets and the end of sessions: rules without a database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from argon2 import extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from node.errors import BadPasswordError
from node.passwords import STAND_IN, hashed, is_outdated, matches, new_hash
from node.people import (
    MAX_PASSWORD,
    Expiry,
    Means,
    Role,
    Visitor,
    counted_as,
    csrf_of,
    digest,
    new_secret,
    same,
    user_name,
    wrong_with_password,
)

NOW = datetime(2026, 3, 14, 2, 41, 30, tzinfo=UTC)
PASSWORD = "four words of nonsense"


def test_each_role_includes_the_ones_before_it() -> None:
    """An administrator may operate, an operator may look; never the other way round."""
    assert list(Role) == [Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR]
    for lower, higher in pairwise(Role):
        assert higher.includes(lower)
        assert higher.includes(higher)
        assert not lower.includes(higher)


def test_only_who_is_known_is_signed_in() -> None:
    """Patients' names are for people who are known: not for an open page, nor for strangers."""
    assert Visitor("ana", Role.VIEWER, Means.PASSWORD).signed_in
    assert not Visitor("", Role.OPERATOR, Means.OPEN).signed_in
    assert not Visitor("ana", None, Means.PROXY).signed_in
    assert not Visitor().may(Role.VIEWER)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ana", "ana"),
        (" ana.b-c_d@hospital.example ", "ana.b-c_d@hospital.example"),
        ("STROKE\\Ana", "ana@stroke"),
        ("\uff21na", "ana"),
        ("", None),
        ("-ana", None),
        ("ana ben", None),
        ("<script>", None),
        ("ana/../ben", None),
        ("a" * 65, None),
        ("ana\x00", None),
        ("\u0430na", None),
    ],
)
def test_a_name_is_one_whatever_its_case(text: str, name: str | None) -> None:
    """Names that look alike are the same or are none (Cyrillic), and hold no markup or path."""
    assert user_name(text) == name


@given(st.text())
def test_a_name_is_a_name_of_itself(text: str) -> None:
    """Whatever is taken as a name is taken again, unchanged."""
    name = user_name(text)
    assert name is None or user_name(name) == name


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("short", "at least 12"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("Perfusion2026!", "guessed first"),
        ("ana.b@x-ana.b@x", "guessed first"),
        ("x" * (MAX_PASSWORD + 1), "more than"),
        (PASSWORD, None),
        ("Größe 37 für Übermut", None),
    ],
)
def test_a_password_is_long_and_not_guessed_first(password: str, wrong: str | None) -> None:
    """Length counts, kinds of letters do not; the user's own name is no password."""
    found = wrong_with_password(password, "ana.b@x")
    assert (wrong in found) if wrong and found else found == wrong
    if wrong:
        with pytest.raises(BadPasswordError, match=wrong):
            new_hash(password, "ana.b@x")


def test_a_password_is_kept_as_argon2id() -> None:
    """Twice the same password is kept differently, and is only compared, never read back."""
    kept = hashed(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert kept != hashed(PASSWORD)
    assert matches(kept, PASSWORD)
    assert not matches(kept, PASSWORD + " ")
    assert not is_outdated(kept)
    assert is_outdated("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGln")


def test_no_user_takes_as_long_as_one() -> None:
    """The same work is done where there is nobody: same parameters, and always no."""
    assert extract_parameters(STAND_IN) == extract_parameters(hashed(PASSWORD))
    assert not matches(None, PASSWORD)
    assert not matches("no hash at all", PASSWORD)


def test_secrets_differ_and_are_not_told_by_what_is_kept() -> None:
    """256 bits each; the digest and the CSRF token of one are others than its own."""
    one, other = new_secret("pn_"), new_secret("pn_")
    assert one.startswith("pn_")
    assert one != other
    assert len({one, digest(one), csrf_of(one), csrf_of(one, "ana"), csrf_of(other)}) == 5
    assert same(csrf_of(one), csrf_of(one))
    assert not same(csrf_of(one), "\udce4")


@pytest.mark.parametrize(
    ("began", "used", "over"),
    [(0, 0, False), (0, 29, True), (-11, 1, False), (-12, 0, True)],
    ids=["fresh", "idle", "long", "too long"],
)
def test_a_session_is_over_when_idle_or_old(began: int, used: int, over: bool) -> None:
    """Whichever comes first."""
    expiry = Expiry(idle=timedelta(minutes=29), whole=timedelta(hours=12))
    last = NOW - timedelta(minutes=used)
    assert expiry.is_over(NOW + timedelta(hours=began), last, NOW) is over


def test_an_address_that_is_none_is_counted_all_the_same() -> None:
    """A Unix socket's peer has no address; it is counted under what there is."""
    assert counted_as("") == ""
    assert len(counted_as("x" * 500)) == 64
