"""Secrets that the node hands out: sessions, API tokens, CSRF tokens.

Only their digests are kept. They are random and long, so a plain hash will do (a password's is
another matter, see :mod:`node.passwords`).
"""

import hashlib
import hmac
import secrets

_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A secret that nobody can guess: 256 random bits, in letters that need no escaping."""
    return prefix + secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """What is kept of a secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def csrf_of(secret: str, whose: str = "") -> str:
    """The CSRF token of a session, or of somebody else's who is known by name.

    It is derived from the secret, so there is nothing to keep, and it does not tell the secret.
    """
    text = f"csrf\0{whose}".encode("utf-8", "replace")
    return hmac.new(secret.encode("utf-8", "replace"), text, hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell how far they agree."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
