"""Where the results of one series go: a folder of their own, there whole or not at all."""

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from node.cli.options import BadCallError
from node.derived import DerivedObject
from node.errors import SpoolError
from node.ports import Kept
from node.spool import FileSpool

NUMBERS = "numbers.json"
"""The file that tells a folder of results from any other."""
_UNFINISHED = ".unfinished"


def earlier_results(out: Path) -> list[Path]:
    """The folders that earlier runs left in ``out``, unfinished ones too."""
    return [
        folder
        for folder in out.iterdir()
        if (folder / NUMBERS).is_file() or folder.name.endswith(_UNFINISHED)
    ]


def require_ours(folder: Path) -> None:
    """Returns if nothing but the results of an earlier run would be replaced.

    Raises
    ------
    BadCallError
        If a folder or file is there that is none: it may hold the only copy of the images.
    """
    if folder.exists() and not (folder / NUMBERS).is_file():
        raise BadCallError(
            f"{folder} is there already and holds no results of this command",
            "Name another folder with --out.",
        )


class Drawer:
    """Results of one series: written and read back by a spool, then filed under plain names.

    They lie in a hidden folder until all are there; it then takes the place of an earlier
    run's. A run that is interrupted leaves that as it was.
    """

    def __init__(self, out: Path, series_instance_uid: str) -> None:
        self.closed: Path | None = None
        self.files: list[dict[str, Any]] = []
        self._folder = out / series_instance_uid
        self._open = out / f".{series_instance_uid}{_UNFINISHED}"
        self._source = series_instance_uid
        self._counts: dict[str, int] = defaultdict(int)

    def __enter__(self) -> Self:
        with _faults(self._open):
            shutil.rmtree(self._open, ignore_errors=True)
            self._spool = FileSpool(self._open / "spool", min_free_bytes=0)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._open, ignore_errors=True)

    def keep(self, made: DerivedObject) -> Kept:
        """One result object, in its series' folder."""
        kept = self._spool.keep_result(self._source, 1, made.dataset)
        words = re.sub(r"[^A-Za-z0-9]+", "-", str(made.dataset.SeriesDescription)).strip("-")
        series = f"{made.dataset.SeriesNumber}-{words}"
        self._counts[series] += 1
        place = Path(series) / f"{self._counts[series]:04d}.dcm"
        with _faults(self._open):
            (self._open / place).parent.mkdir(exist_ok=True)
            kept.path.replace(self._open / place)
        self.files.append(
            {
                "file": str(place),
                "kind": made.kind,
                "sop_class_uid": str(made.dataset.SOPClassUID),
                "sop_instance_uid": made.sop_instance_uid,
            }
        )
        return Kept(self._folder / place, kept.sha256, kept.size)

    def add(self, name: str, data: bytes) -> None:
        """A file beside the result objects, at a path below their folder."""
        with _faults(self._open):
            place = self._open / name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(data)

    def close(self, facts: str) -> None:
        """Put the results in their place, with what was measured."""
        with _faults(self._folder):
            (self._open / NUMBERS).write_text(f"{facts}\n", encoding="utf-8")
            shutil.rmtree(self._spool.root)
            if self._folder.exists():
                shutil.rmtree(self._folder)
            self._open.rename(self._folder)
        self.closed = self._folder


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise SpoolError(
            f"{path} cannot be written: {fault.strerror}", "Check the disk and folder of --out."
        ) from fault
