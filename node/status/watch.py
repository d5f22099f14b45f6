"""One look at the registry for everyone who watches: what changed is told to all open pages."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar, cast

from node import log

Read = TypeVar("Read")

EVERY_S = 1.0
"""How often the registry is looked at while anybody watches [s]."""
BEAT_S = 15.0
"""After so long without a change a stream says that it lives [s]."""
KEPT_S = 5.0
"""How long what was read may be shown again, where nothing changed meanwhile [s]."""
_MOST_KEPT = 128

_LOG = log.get("status")


class Watch:
    """Tells of changes, and keeps what was read until the next one.

    However many pages are open, the registry is asked once a second whether anything changed,
    and what a page shows is read once a change. Nobody there: nothing is asked, nothing kept.

    Parameters
    ----------
    pulse
        A text that differs after a change; may block, and must not raise.
    """

    def __init__(self, pulse: Callable[[], str]) -> None:
        self._pulse = pulse
        self._seen = ""
        self._version = 0
        self._watching = 0
        self._task: asyncio.Task[None] | None = None
        self._kept: dict[object, tuple[int, float, Any]] = {}
        self._lock = threading.Lock()
        self._reading: dict[object, threading.Lock] = {}

    async def changes(self, is_closing: Callable[[], bool]) -> AsyncIterator[int | None]:
        """The version after each change, now and then None; ends with the server."""
        self._watching += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        told, quiet_since = -1, time.monotonic()
        try:
            while not is_closing():
                if told != self._version:
                    told, quiet_since = self._version, time.monotonic()
                    yield told
                elif time.monotonic() - quiet_since > BEAT_S:
                    quiet_since = time.monotonic()
                    yield None
                await asyncio.sleep(EVERY_S / 4)
        finally:
            self._watching -= 1

    def changed(self) -> None:
        """Something was changed here: nothing that was read before is shown again."""
        with self._lock:
            self._version += 1
            self._kept.clear()

    def read(self, key: object, read: Callable[[], Read]) -> Read:
        """What was read under this key since the last change, else what is read now."""
        if not self._watching:
            return read()
        with self._lock:
            turn = self._reading.setdefault(key, threading.Lock())
        with turn:
            version = self._version
            kept = self._kept.get(key)
            if kept and kept[0] == version and time.monotonic() - kept[1] < KEPT_S:
                return cast(Read, kept[2])
            value = read()
            with self._lock:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                    self._reading.clear()
                self._kept[key] = (version, time.monotonic(), value)
            return value

    async def _look(self) -> None:
        while self._watching:
            seen = await asyncio.to_thread(self._pulse)
            if seen != self._seen:
                self._seen = seen
                self.changed()
            await asyncio.sleep(EVERY_S)
