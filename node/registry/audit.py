"""API tokens and the audit trail."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from node.errors import NameTakenError, UnknownNameError
from node.people import Means, Role
from node.ports import AuditEntry, AuditQuestion, AuditResult, TokenRecord
from node.registry.people import UserStore
from node.registry.people_tables import audit, tokens
from node.registry.rows import Row, storable

_LONGEST = 500


class PeopleStore(UserStore):
    """:class:`node.ports.People` and :class:`node.ports.AuditTrail` over SQL."""

    def tokens(self) -> Sequence[TokenRecord]:
        """Every token, by name, those that are over too."""
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(sa.select(tokens).order_by("name"))]

    def token(self, digest: str) -> TokenRecord | None:
        """The token with that digest, good or not."""
        query = sa.select(tokens).where(tokens.c.digest == digest)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _token(row) if row else None

    def add_token(self, digest: str, token: TokenRecord) -> None:
        """Keep a token.

        Raises
        ------
        NameTakenError
            If a good one has that name; one that is over is replaced.
        """
        over = sa.or_(tokens.c.revoked_at.is_not(None), tokens.c.expires_at <= token.created_at)
        row = self._database.insert(tokens).values(digest=digest, **vars(token))
        made = row.on_conflict_do_nothing().returning(tokens.c.id)
        with self._database.writing() as connection:
            connection.execute(sa.delete(tokens).where(tokens.c.name == token.name, over))
            if connection.execute(made).first() is None:
                raise NameTakenError(f"there is a token {token.name} already")

    def use_token(self, name: str, now: datetime) -> None:
        """Note that a token was used."""
        with self._database.writing() as connection:
            used = sa.update(tokens).where(tokens.c.name == name).values(used_at=now)
            connection.execute(used)

    def revoke_token(self, name: str, now: datetime) -> None:
        """Make a token worthless from now on."""
        good = sa.select(tokens.c.id).where(tokens.c.name == name)
        revoked = sa.func.coalesce(tokens.c.revoked_at, now)
        with self._database.writing() as connection:
            if connection.execute(good).first() is None:
                raise UnknownNameError(f"there is no token {name}")
            connection.execute(
                sa.update(tokens).where(tokens.c.name == name).values(revoked_at=revoked)
            )

    def audit(self, entry: AuditEntry) -> None:
        """Add an entry; committed when this returns."""
        values = {name: value for name, value in vars(entry).items() if name != "number"}
        for name in ("who", "address", "subject", "detail"):
            values[name] = storable(values[name])[:_LONGEST]
        with self._database.writing() as connection:
            connection.execute(sa.insert(audit).values(values))

    def audited(self, question: AuditQuestion) -> Sequence[AuditEntry]:
        """The entries that were asked for, the newest first."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(question.limit)
        for name in ("who", "what", "subject", "result"):
            if wanted := getattr(question, name):
                query = query.where(audit.c[name] == storable(wanted))
        if question.before:
            query = query.where(audit.c.id < question.before)
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(query)]


def _token(row: Row) -> TokenRecord:
    return TokenRecord(
        name=row.name,
        role=Role(row.role),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        who=row.who,
        means=Means(row.means),
        address=row.address,
        what=row.what,
        subject=row.subject,
        result=AuditResult(row.result),
        detail=row.detail,
        number=row.id,
    )
