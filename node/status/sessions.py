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
        trail, stranger = self._doorkeeper.trail, Visitor(address=at.address)
        name = user_name(told) or told[:64]
        try:
            self.require_password(name, password, at)
        except TooManyAttemptsError as fault:
            trail.refused(stranger, "sign_in", detail=str(fault))
            raise
        except NotSignedInError:
            # a name that nobody has may be a password in the wrong field: it is not kept
            known = name if self._people.user(name) else ""
            trail.refused(stranger, "sign_in", known, "wrong name or password")
            raise
        return self.begin(Visitor(name, None, Means.PASSWORD, at.address))

    def require_password(self, name: str, password: str, at: Whence) -> None:
        """Nothing, if that user has that password.

        It takes as long to say no for a name that nobody has.

        Raises
        ------
        NotSignedInError
            If not.
        TooManyAttemptsError
            If so many attempts failed before that this one is not looked at.
        """
        attempt = self._people.attempt(name, at.address, LIMITS, self._doorkeeper.now())
        if attempt is None:
            raise TooManyAttemptsError("too many attempts to sign in failed")
        kept = self._people.password_hash(name)
        if not matches(kept, password) or kept is None:
            raise NotSignedInError("the name or the password is wrong")
        self._people.forgive(attempt)
        if is_outdated(kept):
            self._people.improve_hash(name, hashed(password))

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
