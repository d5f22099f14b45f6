"""Passwords as they are kept: argon2id (RFC 9106), which makes guessing them costly."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from node.errors import BadPasswordError
from node.people import MAX_PASSWORD, wrong_with_password

_HASHER = PasswordHasher()  # argon2-cffi's own choice: RFC 9106, "low memory", 64 MiB
_AT_ONCE = threading.BoundedSemaphore(2)  # strangers cannot make the node spend memory without end
STAND_IN = (
    "$argon2id$v=19$m=65536,t=3,p=4$ZU/lmp+OKhAxJyjCVeKlsg$"
    "bUKEXdbQEn4kJLZWFIZZuZgM/iiZMw3rSe6JIfJcZnk"
)
"""The hash of no password: looked at where there is no such user, for as long as another."""


def hashed(password: str) -> str:
    """What is kept of a password."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def new_hash(password: str, name: str) -> str:
    """What is kept of a new password.

    Raises
    ------
    BadPasswordError
        If it would be guessed.
    """
    if wrong := wrong_with_password(password, name):
        raise BadPasswordError(wrong)
    return hashed(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was kept; None takes as long and says no."""
    with _AT_ONCE:
        try:
            right = _HASHER.verify(kept or STAND_IN, password[: MAX_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether a password was hashed as no new one is any more."""
    return _HASHER.check_needs_rehash(kept)
