"""Users and their passwords' hashes, sessions, and failed attempts to sign in."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from node.errors import NameTakenError, UnknownNameError
from node.people import Attempts, Expiry, Means, Role, counted_as, digest
from node.ports import SessionRecord, User
from node.registry.people_tables import attempts, sessions, users
from node.registry.rows import Row
from node.registry.store import Store

_ATTEMPTS_LOCK = 0x41545450  # any number, the same in every node: "ATTP"


class UserStore(Store):
    """The users' and sessions' part of :class:`node.ports.People` over SQL."""

    def has_users(self) -> bool:
        """Whether there is any user."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(users.c.id).limit(1)).first() is not None

    def users(self) -> Sequence[User]:
        """Every user, by name."""
        with self._database.reading() as connection:
            return [_user(row) for row in connection.execute(sa.select(users).order_by("name"))]

    def user(self, name: str) -> User | None:
        """The user of that name, if there is one."""
        row = self._user_row(name)
        return _user(row) if row else None

    def password_hash(self, name: str) -> str | None:
        """The hash of a user's password; None without user or password."""
        row = self._user_row(name)
        return row.password_hash if row else None

    def add_user(self, name: str, role: Role, password_hash: str | None, now: datetime) -> None:
        """Make a user.

        Raises
        ------
        NameTakenError
            If there is one of that name.
        """
        values = {
            "name": name,
            "role": role,
            "password_hash": password_hash,
            "created_at": now,
            "password_at": now if password_hash else None,
        }
        made = self._database.insert(users).values(values).on_conflict_do_nothing()
        with self._database.writing() as connection:
            if connection.execute(made.returning(users.c.id)).first() is None:
                raise NameTakenError(f"there is a user {name} already")

    def remove_user(self, name: str) -> None:
        """Forget a user and end their sessions."""
        with self._database.writing() as connection:
            gone = connection.execute(sa.delete(users).where(users.c.name == name))
            _require(gone, name)
            connection.execute(sa.delete(sessions).where(sessions.c.name == name))

    def set_role(self, name: str, role: Role) -> None:
        """Give a user another role, from their next request on."""
        with self._database.writing() as connection:
            changed = sa.update(users).where(users.c.name == name).values(role=role)
            _require(connection.execute(changed), name)

    def set_password(
        self, name: str, password_hash: str, now: datetime, *, keep_session: str = ""
    ) -> None:
        """Give a user another password, end their (other) sessions, forget failed sign-ins."""
        values = {"password_hash": password_hash, "password_at": now}
        with self._database.writing() as connection:
            changed = sa.update(users).where(users.c.name == name).values(values)
            _require(connection.execute(changed), name)
            connection.execute(
                sa.delete(sessions).where(
                    sessions.c.name == name, sessions.c.digest != keep_session
                )
            )
            connection.execute(sa.delete(attempts).where(attempts.c.name_digest == digest(name)))

    def improve_hash(self, name: str, password_hash: str) -> None:
        """Keep the same password under a better hash."""
        values = {"password_hash": password_hash}
        with self._database.writing() as connection:
            connection.execute(sa.update(users).where(users.c.name == name).values(values))

    def begin_session(self, digest: str, session: SessionRecord, expiry: Expiry) -> None:
        """Keep a session and note the sign-in; those that are over are forgotten."""
        now = session.began_at
        over = sa.or_(
            sessions.c.began_at <= now - expiry.whole, sessions.c.used_at <= now - expiry.idle
        )
        with self._database.writing() as connection:
            connection.execute(sa.delete(sessions).where(over))
            connection.execute(sa.insert(sessions).values(digest=digest, **vars(session)))
            signed_in = sa.update(users).where(users.c.name == session.name)
            connection.execute(signed_in.values(signed_in_at=now))

    def session(self, digest: str) -> SessionRecord | None:
        """The session with that digest, over or not."""
        query = sa.select(sessions).where(sessions.c.digest == digest)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        role = Role(row.role) if row.role else None
        return SessionRecord(row.name, Means(row.means), role, row.began_at, row.used_at)

    def use_session(self, digest: str, now: datetime) -> None:
        """Note that a person used a session."""
        with self._database.writing() as connection:
            used = sa.update(sessions).where(sessions.c.digest == digest)
            connection.execute(used.values(used_at=now))

    def end_session(self, digest: str) -> None:
        """Forget a session, if it is there."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest))

    def attempt(self, name: str, address: str, limits: Attempts, now: datetime) -> int | None:
        """Count an attempt to sign in as failed; None where there were too many already."""
        values = {"name_digest": digest(name), "address": counted_as(address), "at": now}
        with self._database.writing() as connection:
            if not self._database.is_sqlite:  # whose writers take turns anyway
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ATTEMPTS_LOCK)))
            connection.execute(sa.delete(attempts).where(attempts.c.at <= now - limits.window))
            for key, most in (("name_digest", limits.per_name), ("address", limits.per_address)):
                count = sa.select(sa.func.count()).where(attempts.c[key] == values[key])
                if connection.execute(count).scalar_one() >= most:
                    return None
            made = sa.insert(attempts).values(values).returning(attempts.c.id)
            return int(connection.execute(made).scalar_one())

    def forgive(self, attempt: int) -> None:
        """An attempt succeeded: it does not count."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(attempts).where(attempts.c.id == attempt))

    def _user_row(self, name: str) -> Row | None:
        with self._database.reading() as connection:
            return connection.execute(sa.select(users).where(users.c.name == name)).one_or_none()


def _user(row: Row) -> User:
    return User(
        name=row.name,
        role=Role(row.role),
        has_password=row.password_hash is not None,
        created_at=row.created_at,
        password_at=row.password_at,
        signed_in_at=row.signed_in_at,
    )


def _require(changed: sa.CursorResult[tuple[object, ...]], name: str) -> None:
    if changed.rowcount == 0:
        raise UnknownNameError(f"there is no user {name}")
