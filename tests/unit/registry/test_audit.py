"""The audit trail over each database: added to and read, never changed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from node.people import Means, Role, Visitor
from node.ports import AuditEntry, AuditQuestion, AuditResult
from node.registry import Registry
from node.registry.people_tables import audit

NOW = datetime(2026, 3, 14, 2, 41, 30, tzinfo=UTC)
ANA = Visitor("ana", Role.OPERATOR, Means.PASSWORD, "10.0.0.1")


def newest(registry: Registry, number: int) -> list[AuditEntry]:
    found = registry.audited(AuditQuestion(limit=number))
    return [replace(each, number=0) for each in reversed(found)]


def test_an_entry_says_who_did_what_on_what_when_from_where_with_which_result(
    registry: Registry,
) -> None:
    """Everything of it is read back."""
    entry = AuditEntry.of(ANA, NOW, "retry", "1.2.3", AuditResult.FAILED, "it is DELIVERED")
    registry.audit(entry)
    (kept,) = registry.audited(AuditQuestion(limit=1))
    assert replace(kept, number=0) == entry
    assert (kept.who, kept.means, kept.address) == ("ana", Means.PASSWORD, "10.0.0.1")


def test_entries_are_asked_for_by_word_and_page_by_page(registry: Registry) -> None:
    """By person, action, object and result; then what came before."""
    told = [
        AuditEntry.of(ANA, NOW, "retry", "1.2.3"),
        AuditEntry.of(replace(ANA, name="ben"), NOW, "retry", "1.2.4", AuditResult.REFUSED),
        AuditEntry.of(ANA, NOW, "cancel", "1.2.4"),
    ]
    for entry in told:
        registry.audit(entry)
    first = registry.audited(AuditQuestion(limit=2))
    assert [e.what for e in first] == ["cancel", "retry"]
    (third,) = registry.audited(AuditQuestion(before=first[-1].number, limit=1))
    assert third.subject == "1.2.3"
    for question in (
        AuditQuestion(who="ben", limit=1),
        AuditQuestion(subject="1.2.4", what="retry", limit=1),
        AuditQuestion(result=AuditResult.REFUSED, limit=1),
    ):
        assert registry.audited(question)[0].who == "ben"
    assert registry.audited(AuditQuestion(who="nobody")) == []


@pytest.mark.parametrize("change", [sa.update(audit).values(who="ben"), sa.delete(audit)], ids=str)
def test_the_database_refuses_to_change_an_entry(registry: Registry, change: sa.Update) -> None:
    """Not even a mistake of the node's own can rewrite what was done."""
    entry = AuditEntry.of(ANA, NOW, "retry", "1.2.3")
    registry.audit(entry)
    with (
        pytest.raises(sa.exc.DBAPIError, match="never changed"),
        registry._database._engine.begin() as connection,
    ):
        connection.execute(change)
    assert newest(registry, 1) == [entry]


def test_what_a_stranger_wrote_is_kept_whole_and_short(registry: Registry) -> None:
    """A NUL or a lone surrogate is no fault of the database, and a long path fills no disk."""
    registry.audit(AuditEntry.of(ANA, NOW, "request", "\x00\udce4" + "x" * 10_000))
    (kept,) = newest(registry, 1)
    assert "\x00" not in kept.subject
    assert len(kept.subject) == 500
