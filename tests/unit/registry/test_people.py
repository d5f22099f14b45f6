"""Users, sessions, tokens and attempts to sign in, over each database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from node.errors import NameTakenError, UnknownNameError
from node.people import Attempts, Expiry, Means, Role
from node.ports import SessionRecord, TokenRecord
from node.registry import Registry

NOW = datetime(2026, 3, 14, 2, 41, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_session(name: str = "ana", began: datetime = NOW) -> SessionRecord:
    return SessionRecord(name, Means.PASSWORD, None, began, began)


def a_token(name: str = "export", days: float = 90) -> TokenRecord:
    return TokenRecord(name, Role.VIEWER, "ana", NOW, NOW + timedelta(days=days), None, None)


@pytest.fixture
def people(registry: Registry) -> Registry:
    registry.add_user("ana", Role.OPERATOR, "hash", NOW)
    return registry


def test_a_user_is_kept_with_role_and_hash(people: Registry) -> None:
    """What was given is read back; another of that name is refused."""
    (ana,) = people.users()
    assert (ana.name, ana.role, ana.has_password) == ("ana", Role.OPERATOR, True)
    assert people.password_hash("ana") == "hash"
    assert people.user("ana") == ana
    assert people.has_users()
    with pytest.raises(NameTakenError):
        people.add_user("ana", Role.VIEWER, None, NOW)
    assert people.user("ana") == ana


def test_nobody_is_invented(registry: Registry) -> None:
    """Without users there is none, and what names one says so."""
    assert not registry.has_users()
    assert registry.user("ana") is None
    assert registry.password_hash("ana") is None
    assert registry.session("digest") is None
    assert registry.token("digest") is None
    with pytest.raises(UnknownNameError):
        registry.remove_user("ana")
    with pytest.raises(UnknownNameError):
        registry.set_role("ana", Role.VIEWER)
    with pytest.raises(UnknownNameError):
        registry.set_password("ana", "hash", NOW)
    with pytest.raises(UnknownNameError):
        registry.revoke_token("export", NOW)


def test_a_removed_user_has_no_session_any_more(people: Registry) -> None:
    """Whoever leaves is out at once; others stay."""
    people.add_user("ben", Role.VIEWER, "hash", NOW)
    people.begin_session("1", a_session(), Expiry())
    people.begin_session("2", a_session("ben"), Expiry())
    people.remove_user("ana")
    assert people.session("1") is None
    assert people.session("2") == a_session("ben")


def test_another_password_ends_every_other_session(people: Registry) -> None:
    """A stolen session is over; the one in which the password was set goes on."""
    for digest in ("1", "2"):
        people.begin_session(digest, a_session(), Expiry())
    people.set_password("ana", "better", NOW + HOUR, keep_session="2")
    assert people.session("1") is None
    assert people.session("2") is not None
    user = people.user("ana")
    assert user is not None
    assert (people.password_hash("ana"), user.password_at) == ("better", NOW + HOUR)


def test_a_role_is_changed(people: Registry) -> None:
    """The next request meets the new role."""
    people.set_role("ana", Role.ADMINISTRATOR)
    user = people.user("ana")
    assert user is not None
    assert user.role is Role.ADMINISTRATOR


def test_sessions_that_are_over_are_forgotten(people: Registry) -> None:
    """A sign-in sweeps out what is idle or old; what is used stays."""
    people.begin_session("old", a_session(began=NOW - 12 * HOUR), Expiry())
    people.begin_session("idle", a_session(began=NOW - HOUR), Expiry())
    people.begin_session("used", a_session(began=NOW - HOUR), Expiry())
    people.use_session("used", NOW)
    people.begin_session("new", a_session(), Expiry())
    there = {d for d in ("old", "idle", "used", "new") if people.session(d)}
    assert there == {"used", "new"}
    user = people.user("ana")
    assert user is not None
    assert user.signed_in_at == NOW


def test_a_session_ends(people: Registry) -> None:
    """After signing out the secret opens nothing; ending it twice is no fault."""
    people.begin_session("1", a_session(), Expiry())
    people.end_session("1")
    people.end_session("1")
    assert people.session("1") is None


def test_a_token_is_found_by_its_digest_alone(people: Registry) -> None:
    """Name, role and end are kept; a good one's name is taken, one that is over is replaced."""
    people.add_token("digest", a_token())
    assert people.token("digest") == a_token()
    assert people.token("export") is None
    with pytest.raises(NameTakenError):
        people.add_token("other", a_token())
    people.use_token("export", NOW + HOUR)
    people.revoke_token("export", NOW + HOUR)
    people.revoke_token("export", NOW + 2 * HOUR)
    (kept,) = people.tokens()
    assert (kept.used_at, kept.revoked_at) == (NOW + HOUR, NOW + HOUR)
    assert not kept.is_good(NOW + HOUR)
    people.add_token("other", a_token())
    assert people.token("digest") is None
    assert people.tokens() == [a_token()]


def test_attempts_are_counted_by_name_and_by_address(registry: Registry) -> None:
    """Neither one name from many addresses nor many names from one address goes on for ever."""
    limits = Attempts(per_name=2, per_address=3)

    def tried(name: str, address: str, after: timedelta = timedelta()) -> bool:
        return registry.attempt(name, address, limits, NOW + after) is not None

    assert tried("ana", "10.0.0.1")
    assert tried("ana", "10.0.0.2")
    assert not tried("ana", "10.0.0.3")
    assert tried("ben", "10.0.0.1")
    assert tried("cleo", "10.0.0.1")
    assert not tried("dora", "10.0.0.1")
    assert tried("dora", "10.0.0.9")
    assert not tried("ana", "10.0.0.3", limits.window - timedelta(seconds=1))
    assert tried("ana", "10.0.0.1", limits.window)


def test_an_attempt_that_succeeds_does_not_count(people: Registry) -> None:
    """Whoever knows the password is not shut out by signing in often; a new password frees too."""
    limits = Attempts(per_name=1, per_address=9)
    for _ in range(3):
        attempt = people.attempt("ana", "10.0.0.1", limits, NOW)
        assert attempt is not None
        people.forgive(attempt)
    assert people.attempt("ana", "10.0.0.1", limits, NOW) is not None
    assert people.attempt("ana", "10.0.0.1", limits, NOW) is None
    people.set_password("ana", "better", NOW)
    assert people.attempt("ana", "10.0.0.1", limits, NOW) is not None


def test_many_attempts_at_once_get_no_further(registry: Registry) -> None:
    """Guesses in parallel are counted like guesses one by one."""
    limits = Attempts(per_name=3, per_address=100)
    with ThreadPoolExecutor(8) as pool:
        tried = list(
            pool.map(lambda n: registry.attempt("ana", f"10.0.0.{n}", limits, NOW), range(16))
        )
    assert len([each for each in tried if each is not None]) == 3


def test_a_network_of_one_host_counts_as_one_address(registry: Registry) -> None:
    """A host has a whole IPv6 /64; an IPv4 address is the same in IPv6's clothes."""
    limits = Attempts(per_name=100, per_address=1)
    assert registry.attempt("ana", "2001:db8::1", limits, NOW) is not None
    assert registry.attempt("ben", "2001:db8::2", limits, NOW) is None
    assert registry.attempt("ben", "2001:db8:0:1::2", limits, NOW) is not None
    assert registry.attempt("ana", "10.0.0.1", limits, NOW) is not None
    assert registry.attempt("ben", "::ffff:10.0.0.1", limits, NOW) is None
