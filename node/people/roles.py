"""What a person may do."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may do; each role includes the ones before it."""

    VIEWER = "viewer"
    """Looks."""
    OPERATOR = "operator"
    """Retries, cancels, completes, sends again, prioritises and pauses besides."""
    ADMINISTRATOR = "administrator"
    """Sees to users and tokens, and reads the audit trail besides."""

    def includes(self, other: "Role") -> bool:
        """Whether who has this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)
