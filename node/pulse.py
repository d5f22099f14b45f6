"""Whether a part of the node goes round: told by a file's time, for containers that ask."""

import os
import tempfile
import time
from pathlib import Path

from node import log

_EVERY_S = 5.0
_LOG = log.get("pulse")


class Pulse:
    """Beats while a part goes round its loop; a part that hangs, or is gone, does not.

    Parameters
    ----------
    parts
        What beats: ``scp``, or the queues that a worker serves.
    folder
        Where the files are: by default where this machine, or container, keeps temporary ones.
    """

    def __init__(self, *parts: str, folder: Path | None = None) -> None:
        self._files = [_file(part, folder) for part in parts]
        self._beaten_at = 0.0

    def beat(self) -> None:
        """Note that the part is alive now; once in a few seconds is enough."""
        if (now := time.monotonic()) < self._beaten_at + _EVERY_S:
            return
        self._beaten_at = now
        for file in self._files:
            try:
                # not through a link that somebody else has put there
                fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
                os.utime(fd)
                os.close(fd)
            except OSError as fault:  # the part works all the same; who asks is told otherwise
                _LOG.warning("pulse_not_noted", path=str(file), found=str(fault.strerror))


def silent_s(part: str, folder: Path | None = None) -> float | None:
    """How long ago a part last beat [s]; None if it never did."""
    try:
        return time.time() - _file(part, folder).stat().st_mtime
    except OSError:
        return None


def _file(part: str, folder: Path | None) -> Path:
    return (folder or Path(tempfile.gettempdir())) / f"perfusion-node-{part}.alive"
