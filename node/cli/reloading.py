"""``reload``: a running node takes up changed settings, and keeps its associations."""

import fcntl
import json as json_of
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from node import log
from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import print_json, say
from node.errors import SettingsError
from node.settings import Changes, Settings, changes, load, picture

_LOG = log.get("cli")


def reload(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Let the node that `up` runs take up its changed settings; open associations stay open.

    The listener takes up who may send and how many; workers and page are begun anew, each when
    what it has in hand is done. What only a restart takes up is named. Exit code 2, and nothing
    happens, where the settings are wrong or no node runs.
    """
    settings = settings_from(config, level=logging.ERROR)
    process = _running(settings.data_dir)
    found = changes(_read(settings.data_dir), picture(settings))
    os.kill(process, signal.SIGUSR1)
    if json:
        print_json({"live": found.live, "at_restart": found.at_restart})
        return
    _say(found)


def _on_signals(ask: threading.Event) -> None:
    """Set ``ask`` at SIGUSR1, and at SIGHUP where that is not a terminal that closes."""
    signal.signal(signal.SIGUSR1, lambda *_: ask.set())
    if not sys.stdin.isatty():
        signal.signal(signal.SIGHUP, lambda *_: ask.set())


class Reloader:
    """Loads settings again when asked; wrong ones change nothing.

    Parameters
    ----------
    config, settings
        The file, and what was loaded from it.
    apply
        What is done with new ones.
    leaves_picture
        Whether what is in effect is left for :func:`reload` to compare with.
    """

    def __init__(
        self,
        config: Path | None,
        settings: Settings,
        apply: Callable[[Settings], None],
        *,
        leaves_picture: bool = False,
    ) -> None:
        self._config, self._apply = config, apply
        self._before = picture(settings)
        self._data_dir = settings.data_dir
        self._leaves_picture = leaves_picture
        if leaves_picture:
            self.write()
        self._asked = threading.Event()
        _on_signals(self._asked)

    def look(self) -> None:
        """Reload, if somebody asked for it."""
        if not self._asked.is_set():
            return
        self._asked.clear()
        try:
            settings = load(self._config)
            self._apply(settings)
        except SettingsError as fault:
            _LOG.error("settings_not_reloaded", found=str(fault), remedy=fault.remedy)
            return
        after = picture(settings)
        found = changes(self._before, after)
        # what needs a restart is still as it was: it is told again with the next reload
        kept = {key: self._before[key] for key in found.at_restart if key in self._before}
        self._before = {**{k: v for k, v in after.items() if k not in found.at_restart}, **kept}
        if self._leaves_picture:
            self.write()
        _LOG.info("settings_reloaded", live=list(found.live), at_restart=list(found.at_restart))

    def write(self) -> None:
        """Leave the picture of what is in effect."""
        with suppress(OSError):
            path = _place(self._data_dir)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json_of.dumps(self._before))


def _say(found: Changes) -> None:
    if not (found.live or found.at_restart):
        say("No setting has changed.")
    if found.live:
        say(f"Taken up now: {', '.join(found.live)}", style="green")
    if found.at_restart:
        say(f"Taken up by a restart only: {', '.join(found.at_restart)}", style="yellow")


def _running(data_dir: Path) -> int:
    """The process of the node on a folder."""
    nobody = BadCallError(
        f"no node that `perfusion-node up` started runs on {data_dir.resolve()}",
        "Name its settings with --config; parts that run alone are restarted one by one.",
    )
    try:
        with (data_dir.resolve() / "node.claim").open() as claim:
            with suppress(BlockingIOError):
                fcntl.flock(claim, fcntl.LOCK_SH | fcntl.LOCK_NB)
                raise nobody
            return int(claim.read())
    except (OSError, ValueError):
        raise nobody from None


def _read(data_dir: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        known: dict[str, Any] = json_of.loads(_place(data_dir).read_text())
        return known
    return {}


def _place(data_dir: Path) -> Path:
    return data_dir.resolve() / "vitals" / "settings.json"
