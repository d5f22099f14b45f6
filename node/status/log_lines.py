"""Log lines as a page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class LogLine:
    """A log line as the page shows it."""

    at: datetime | None
    tone: str
    level: str
    room: str
    event: str
    facts: str


_TONES = {"warning": "warn", "error": "bad", "critical": "bad"}
_TOLD = ("timestamp", "level", "room", "event", "exception")


def logged(line: Mapping[str, Any]) -> LogLine:
    """A kept line, whatever is missing of it."""
    try:
        at = datetime.fromisoformat(str(line.get("timestamp")))
    except ValueError:
        at = None
    level = str(line.get("level", ""))
    facts = "  ".join(f"{key}={value}" for key, value in line.items() if key not in _TOLD)
    room, event = str(line.get("room", "")), str(line.get("event", ""))
    return LogLine(at, _TONES.get(level, "mute"), level, room, event, facts)
