"""Log lines that are kept: a file a day and machine, which several processes write at once.

Each line is one write at the end of the file (O_APPEND), so that lines of two processes do not
mix. A new day is a new file: nothing is renamed while others write.
"""

import json
import os
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\..+\.jsonl")
_MIB = 1 << 20


class LogBook:
    """Keeps lines as JSON; one that cannot be written is let go, for work goes on.

    Parameters
    ----------
    folder
        Made if absent.
    days
        How many days are kept.
    max_mib
        Most that one day may take [MiB]; lines after that are not kept.
    """

    def __init__(self, folder: Path, days: int, max_mib: float) -> None:
        self._folder, self._days, self._most = folder, days, int(max_mib * _MIB)
        self._host = re.sub(r"[^A-Za-z0-9_-]", "_", socket.gethostname()) or "node"
        self._lock = threading.Lock()
        self._day, self._file = "", -1

    def keep(
        self, _: object, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        """Keep a line (structlog's processor); the line itself goes on unchanged."""
        line = json.dumps(event, default=str, ensure_ascii=False) + "\n"
        with suppress(OSError), self._lock:
            self._write(line.encode("utf-8", "replace"))
        return event

    def _write(self, line: bytes) -> None:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        if day != self._day:
            self._turn_to(day)
        if os.fstat(self._file).st_size + len(line) <= self._most:
            os.write(self._file, line)

    def _turn_to(self, day: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{day}.{self._host}.jsonl"
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        if self._file >= 0:
            os.close(self._file)
        self._day, self._file = day, opened
        oldest = f"{datetime.now(UTC) - timedelta(days=self._days):%Y-%m-%d}"
        for each in _files(self._folder):
            if each.name[:10] < oldest:
                each.unlink(missing_ok=True)


def kept_lines(
    folder: Path, words: Sequence[str], since: date | None = None
) -> Iterator[dict[str, Any]]:
    """The lines that hold one of the words as a whole value, in the order of time.

    Days before ``since`` (UTC) are not looked at.
    """
    first = since.isoformat() if since else ""
    files = [path for path in _files(folder) if path.name[:10] >= first]
    found = [line for path in files for line in _of(path, words)]
    yield from sorted(found, key=lambda line: str(line.get("timestamp", "")))


def _of(path: Path, words: Sequence[str]) -> Iterator[dict[str, Any]]:
    wanted = frozenset(words)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for text in lines:
            if not any(word in text for word in words):  # most lines are not even parsed
                continue
            with suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict) and not wanted.isdisjoint(_values(line)):
                    yield line


def _values(line: dict[str, Any]) -> Iterator[str]:
    for value in line.values():
        yield from map(str, value if isinstance(value, list) else [value])


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
