"""What people are told: what is new, what lasts, what is over, in one message."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from node.ports import AlertRecord

_NOTICE = "Series are named by the end of their UID: perfusion-node show finds them by it."


@dataclass(frozen=True)
class Digest:
    """One message about several alerts.

    Parameters
    ----------
    new, lasting, over
        Alerts that were not told before, that were, and that are no more.
    host
        Where they were seen.
    """

    new: tuple[AlertRecord, ...] = ()
    lasting: tuple[AlertRecord, ...] = ()
    over: tuple[AlertRecord, ...] = ()
    host: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The alerts that it tells."""
        return tuple(each.alert.key for each in (*self.new, *self.lasting, *self.over))

    @property
    def subject(self) -> str:
        """One line: ``perfusion-node ctp1: 2 new, 1 over``."""
        counts = (("new", self.new), ("lasting", self.lasting), ("over", self.over))
        told = ", ".join(f"{len(alerts)} {word}" for word, alerts in counts if alerts)
        return f"perfusion-node {self.host}: {told or 'nothing'}"

    @property
    def text(self) -> str:
        """The whole message."""
        parts = [
            *_part("New", self.new),
            *_part("Still there", self.lasting),
            *_part("Over", self.over, remedies=False),
        ]
        return "\n".join((self.subject, "", *parts, _NOTICE)) + "\n"

    @property
    def json(self) -> dict[str, Any]:
        """For a webhook; ``text`` is what chat services show."""
        return {
            "text": self.text,
            "host": self.host,
            "new": [_facts(each) for each in self.new],
            "lasting": [_facts(each) for each in self.lasting],
            "over": [_facts(each) for each in self.over],
        }


def digest_of(
    new: Sequence[AlertRecord], lasting: Sequence[AlertRecord], over: Sequence[AlertRecord]
) -> Digest:
    """A message of this machine."""
    return Digest(tuple(new), tuple(lasting), tuple(over), socket.gethostname())


def _part(title: str, alerts: Sequence[AlertRecord], *, remedies: bool = True) -> list[str]:
    if not alerts:
        return []
    lines = [f"{title}:"]
    for each in alerts:
        lines.append(f"- {each.alert.found} (since {_moment(each.since)})")
        if remedies and each.alert.remedy:
            lines.append(f"  What to do: {each.alert.remedy}")
    return [*lines, ""]


def _facts(record: AlertRecord) -> dict[str, Any]:
    alert = record.alert
    since = record.since.isoformat(timespec="seconds")
    return {"found": alert.found, "remedy": alert.remedy, "since": since}


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
