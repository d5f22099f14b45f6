"""The listener's counts as a small file: the status page runs in another process."""

import json
import socket
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from node.ports import ListenerVitals

if TYPE_CHECKING:
    from node.scp.listener import Listener

_FOLDER = "vitals"
_GONE_S = 60.0


def leave_vitals(listener: "Listener", data_dir: Path, number: int = 1) -> None:
    """Write a listener's counts below data_dir; a disk that fails costs figures, nothing else.

    ``number``: which of a host's listeners it is, where several share a port.
    """
    counts = asdict(listener.counts)
    statuses = {f"{status:04X}": number for status, number in counts.pop("statuses").items()}
    host = socket.gethostname() + (f"-{number}" if number > 1 else "")
    facts = {
        "host": host,
        "written": time.time(),
        "active_associations": listener.active_associations,
        "counts": counts,
        "statuses": statuses,
    }
    folder = data_dir / _FOLDER
    path = folder / f"listener.{host}.json"
    draft = path.with_suffix(".draft")
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(facts))
        draft.replace(path)


def read_vitals(data_dir: Path) -> list[ListenerVitals]:
    """The counts of every listener that left some within a minute."""
    found = []
    for path in sorted((data_dir / _FOLDER).glob("listener.*.json")):
        with suppress(OSError, ValueError, KeyError):
            facts = json.loads(path.read_text())
            age_s = max(0.0, time.time() - facts.pop("written"))
            if age_s < _GONE_S:
                found.append(ListenerVitals(age_s=age_s, **facts))
    return found
