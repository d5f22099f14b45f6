"""Whoever asks something of the node, and how that is known."""

from dataclasses import dataclass
from enum import StrEnum

from node.people.roles import Role


class Means(StrEnum):
    """How it is known who asks."""

    NONE = "none"
    """Not at all."""
    OPEN = "open"
    """Not at all, and sign-in is off: whoever reaches the page may use it."""
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    """By a session that a password began."""
    OIDC = "oidc"
    """By a session that an OpenID provider vouched for."""
    PROXY = "proxy"
    """By a header of a trusted reverse proxy."""
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    """By an API token."""
    PROMPT = "prompt"
    """By the account on the node's own machine."""


@dataclass(frozen=True)
class Visitor:
    """Whoever asks.

    Parameters
    ----------
    name
        Of the user or token; empty where nobody has signed in.
    role
        What they may do; None: nothing.
    means
        How that is known.
    address
        From where they ask.
    csrf
        What their browser must send along to change anything; empty where nothing is asked.
    """

    name: str = ""
    role: Role | None = None
    means: Means = Means.NONE
    address: str = ""
    csrf: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether it is known who asks: only then a patient's identity may be shown."""
        return self.role is not None and self.means is not Means.OPEN

    def may(self, role: Role) -> bool:
        """Whether they may do what that role may."""
        return self.role is not None and self.role.includes(role)
