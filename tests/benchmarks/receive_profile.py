"""Where the time of one image goes between socket and answer: ``make bench-receive-profile``.

The node's listener, spool and registry in this process, DCMTK's storescu as the sender on one
association; each step is timed where it is called. Seconds are the wall's and the processor's, so
that a wait for the disk and a computation are told apart. Prints a Markdown table.
"""

import argparse
import functools
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine.default import DefaultDialect

from node.registry import open_registry
from node.registry.intake import IntakeStore
from node.registry.prepared import Prepared
from node.scp import Listener, store
from node.scp.buffer import DataSetBuffer
from node.scp.upper_layer import UpperLayer
from node.settings import ScpSettings
from node.spool import FileSpool, draft, file_spool
from tests.benchmarks.receive import CASES, send, write_images
from tests.support.running_node import free_port

# What is timed, in the order of an image; what lies within another is told apart below.
STEPS: dict[str, tuple[Any, str]] = {
    "PDUs read and answered": (UpperLayer, "_read_one"),
    "data set off the socket": (DataSetBuffer, "receive"),
    "header": (store, "read_header"),
    "file, folder and name": (FileSpool, "keep"),
    "file written and digested": (draft, "write"),
    "file named": (draft.Draft, "link"),
    "folder synchronised": (file_spool, "sync_folders"),
    "file and folder synchronised": (draft.os, "fsync"),
    "row": (IntakeStore, "record"),
    "statements": (Prepared, "first"),
    "commit": (DefaultDialect, "do_commit"),
}


class Clock:
    """Seconds by step: the wall's and the processor's."""

    def __init__(self) -> None:
        self.wall_s: Counter[str] = Counter()
        self.processor_s: Counter[str] = Counter()

    def timed(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, timed."""

        @functools.wraps(call)
        def timing(*args: Any, **options: Any) -> Any:
            wall, processor = time.perf_counter(), time.thread_time()
            try:
                return call(*args, **options)
            finally:
                self.wall_s[step] += time.perf_counter() - wall
                self.processor_s[step] += time.thread_time() - processor

        return timing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=480)
    images = parser.parse_args().images
    clock = Clock()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        files = write_images(folder / "images", images)
        for step, (owner, attribute) in STEPS.items():
            timing = clock.timed(step, getattr(owner, attribute))
            stack.enter_context(patch.object(owner, attribute, timing))
        registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}", folder)
        spool = FileSpool(folder / "spool", min_free_bytes=0)
        listener = Listener(ScpSettings(port=free_port()), spool, registry)
        listener.start()
        send(files[:1], listener.port, CASES["1"])
        clock.wall_s.clear(), clock.processor_s.clear()
        whole_s = send(files[1:], listener.port, CASES["1"])
        listener.stop()
        registry.close()
    report(clock, whole_s, images - 1)


def report(clock: Clock, whole_s: float, images: int) -> None:
    """Milliseconds an image, by step; steps within steps are taken from those."""
    for seconds in (clock.wall_s, clock.processor_s):
        seconds["file synchronised"] = (
            seconds.pop("file and folder synchronised") - seconds["folder synchronised"]
        )
        spool = ("file written and digested", "file named", "file synchronised")
        seconds["spool, the rest"] = seconds.pop("file, folder and name") - sum(
            seconds[step] for step in (*spool, "folder synchronised")
        )
        seconds["registry, the rest"] = (
            seconds.pop("row") - seconds["statements"] - seconds["commit"]
        )
        inner = sum(value for step, value in seconds.items() if step != "PDUs read and answered")
        seconds["PDUs, the rest"] = seconds.pop("PDUs read and answered") - inner
    clock.wall_s["waiting for the sender"] = whole_s - clock.wall_s.total()
    print("| step | wall [ms an image] | processor [ms an image] |\n|---|---|---|")
    for step, wall_s in clock.wall_s.most_common():
        processor_ms = 1e3 * clock.processor_s[step] / images
        print(f"| {step} | {1e3 * wall_s / images:.2f} | {processor_ms:.2f} |")
    processor_ms = 1e3 * clock.processor_s.total() / images
    print(f"| in all | {1e3 * whole_s / images:.2f} | {processor_ms:.2f} |")


if __name__ == "__main__":
    main()
