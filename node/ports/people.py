"""Users, their sessions, API tokens and failed sign-ins, as the registry keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from node.people import Attempts, Expiry, Means, Role


@dataclass(frozen=True)
class User:
    """A person whom the node knows.

    Parameters
    ----------
    has_password
        Whether they can sign in here; a proxy or an OpenID provider vouches for the others.
    """

    name: str
    role: Role
    has_password: bool
    created_at: datetime
    password_at: datetime | None
    signed_in_at: datetime | None


@dataclass(frozen=True)
class SessionRecord:
    """A session; ``role`` only where it is not the user's own in the registry."""

    name: str
    means: Means
    role: Role | None
    began_at: datetime
    used_at: datetime


@dataclass(frozen=True)
class TokenRecord:
    """An API token, without its secret: that is not kept."""

    name: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and now < self.expires_at


class People(Protocol):
    """Who may use the node. Secrets come in as digests, passwords as argon2 hashes.

    Every method raises RegistryUnavailableError where the database does not answer; whatever
    names a user or token raises UnknownNameError where there is none of that name.
    """

    def has_users(self) -> bool:
        """Whether there is any user."""

    def users(self) -> Sequence[User]:
        """Every user, by name."""

    def user(self, name: str) -> User | None:
        """The user of that name, if there is one."""

    def password_hash(self, name: str) -> str | None:
        """The hash of a user's password; None without user or password."""

    def add_user(self, name: str, role: Role, password_hash: str | None, now: datetime) -> None:
        """Make a user.

        Raises
        ------
        NameTakenError
            If there is one of that name.
        """

    def remove_user(self, name: str) -> None:
        """Forget a user and end their sessions."""

    def set_role(self, name: str, role: Role) -> None:
        """Give a user another role, from their next request on."""

    def set_password(
        self, name: str, password_hash: str, now: datetime, *, keep_session: str = ""
    ) -> None:
        """Give a user another password, end their (other) sessions, forget failed sign-ins."""

    def improve_hash(self, name: str, password_hash: str) -> None:
        """Keep the same password under a better hash."""

    def begin_session(self, digest: str, session: SessionRecord, expiry: Expiry) -> None:
        """Keep a session and note the sign-in; those that are over are forgotten."""

    def session(self, digest: str) -> SessionRecord | None:
        """The session with that digest, over or not."""

    def use_session(self, digest: str, now: datetime) -> None:
        """Note that a person used a session."""

    def end_session(self, digest: str) -> None:
        """Forget a session, if it is there."""

    def tokens(self) -> Sequence[TokenRecord]:
        """Every token, by name, those that are over too."""

    def token(self, digest: str) -> TokenRecord | None:
        """The token with that digest, good or not."""

    def add_token(self, digest: str, token: TokenRecord) -> None:
        """Keep a token.

        Raises
        ------
        NameTakenError
            If a good one has that name; one that is over is replaced.
        """

    def use_token(self, name: str, now: datetime) -> None:
        """Note that a token was used."""

    def revoke_token(self, name: str, now: datetime) -> None:
        """Make a token worthless from now on."""

    def attempt(self, name: str, address: str, limits: Attempts, now: datetime) -> int | None:
        """Count an attempt to sign in as failed; None where there were too many already."""

    def forgive(self, attempt: int) -> None:
        """An attempt succeeded: it does not count."""
