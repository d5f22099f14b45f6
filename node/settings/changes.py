"""What differs between two settings, and what of it a running node can take up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.settings.shown import shown
from node.settings.whole import Settings

# The listener keeps its associations, so that it takes up no more than this.
LISTENER_LIVE = frozenset(
    {
        "scp.allowed_peers",
        "scp.allowed_peers.ae_title",
        "scp.allowed_peers.host",
        "scp.check_called_ae_title",
        "scp.max_associations",
        "scp.max_associations_per_peer",
        "scp.pdu_timeout_s",
    }
)
# Of [scp], and read by workers alone: they are begun anew.
_WORKERS_OWN = frozenset({"scp.grace_s", "scp.quiet_s"})
_AT_THE_START = ("data_dir", "redis_url", "database_url", "scp.", "spool.", "audit.", "log.")
_ALSO_AT_THE_START = frozenset({"destinations.commitment"})


@dataclass(frozen=True)
class Changes:
    """Keys that differ: taken up by a reload, or only by a restart."""

    live: tuple[str, ...]
    at_restart: tuple[str, ...]


def picture(settings: Settings) -> dict[str, Any]:
    """Every key with its value, secrets hidden: to be compared later."""
    return {each.key: each.value for each in shown(settings)}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """What differs between two pictures."""
    differ = [k for k in sorted({*before, *after}) if before.get(k) != after.get(k)]
    at_restart = tuple(key for key in differ if _needs_restart(key))
    return Changes(tuple(key for key in differ if key not in at_restart), at_restart)


def _needs_restart(key: str) -> bool:
    name = ".".join(part for part in key.split(".") if not part.isdigit())
    if name in LISTENER_LIVE or name in _WORKERS_OWN:
        return False
    return name in _ALSO_AT_THE_START or name.startswith(_AT_THE_START)
