"""How a session begins and ends."""

from dataclasses import replace

from node.errors import NotSignedInError, TooManyAttemptsError
from node.passwords import hashed, is_outdated, matches
from node.people import Attempts, Means, Role, Visitor, digest, new_secret, user_name
from node.ports import SessionRecord
from node.status.doorkeeper import Doorkeeper
from node.status.whence import Whence

LIMITS = Attempts()


class Sessions:
    """Sign-in and sign-out; every attempt is in the audit trail.

    Parameters
    ----------
    doorkeeper
        Who knows the people.
    """

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper
        self._people = doorkeeper.people

    def by_password(self, told: str, password: str, at: Whence) -> str:
        """The secret of a new session of whoever has that name and password.

        What is answered, and after how long, is the same whether the name exists or not.

        Raises
        ------
        NotSignedInError
            If there is nobody.
        TooManyAttemptsError
            If so many failed before that this one is not looked at.
        """
        trail, name = self._doorkeeper.trail, user_name(told)
        stranger = Visitor(address=at.address)
        now = self._doorkeeper.now()
        attempt = self._people.attempt(name or told[:64], at.address, LIMITS, now)
        if attempt is None:
            trail.refused(stranger, "sign_in", detail="too many attempts failed")
            raise TooManyAttemptsError("too many attempts to sign in failed")
        kept = self._people.password_hash(name or "")
        if not matches(kept, password) or kept is None or name is None:
            # a name that nobody has may be a password in the wrong field: it is not kept
            known = name if kept and name else ""
            trail.refused(stranger, "sign_in", known, "wrong name or password")
            raise NotSignedInError("the name or the password is wrong")
        self._people.forgive(attempt)
        if is_outdated(kept):
            self._people.improve_hash(name, hashed(password))
        return self.begin(Visitor(name, None, Means.PASSWORD, at.address))

    def begin(self, visitor: Visitor, role: Role | None = None) -> str:
        """The secret of a new session.

        Parameters
        ----------
        role
            Where the registry does not know the user.
        """
        secret, now = new_secret(), self._doorkeeper.now()
        kept = SessionRecord(visitor.name, visitor.means, role, now, now)
        self._people.begin_session(digest(secret), kept, self._doorkeeper.expiry)
        self._doorkeeper.trail.done(visitor, "sign_in", visitor.name)
        return secret

    def end(self, secret: str, visitor: Visitor) -> None:
        """Forget a session."""
        self._people.end_session(digest(secret))
        self._doorkeeper.trail.done(replace(visitor, csrf=""), "sign_out", visitor.name)
