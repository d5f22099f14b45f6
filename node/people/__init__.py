"""Who may do what: roles, names, secrets, and the limits of sessions and attempts. Rules only."""

from node.people.limits import Attempts, Expiry, counted_as
from node.people.names import user_name
from node.people.password_rules import MAX_PASSWORD, MIN_PASSWORD, wrong_with_password
from node.people.roles import Role
from node.people.secret import csrf_of, digest, new_secret, same
from node.people.visitor import Means, Visitor

__all__ = [
    "MAX_PASSWORD",
    "MIN_PASSWORD",
    "Attempts",
    "Expiry",
    "Means",
    "Role",
    "Visitor",
    "counted_as",
    "csrf_of",
    "digest",
    "new_secret",
    "same",
    "user_name",
    "wrong_with_password",
]
