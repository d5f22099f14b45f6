"""Every subject's case, prepared once and then read from disk."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.training import GRID, Case
from models.unitobrain.cases import case_of
from models.unitobrain.layout import SubjectFolders, subjects
from models.unitobrain.subject import NLR_MAPS, read_subject
from node.refusals import Refusal

# Part of every kept case: raise it when reading or preparation change the numbers.
VERSION = 1
# What numpy raises on an archive that is cut short, overwritten or of another make.
_DAMAGE = (BadZipFile, ValueError, EOFError, KeyError, TypeError, OSError)


@dataclass(frozen=True)
class Left:
    """A subject that takes no part, and why."""

    name: str
    why: str


def cohort(
    root: Path, cache: Path, *, workers: int = 1, heard: Callable[[str], None] = print
) -> Iterator[Case | Left]:
    """The case of every subject below a folder, by name; each is read once and then kept.

    A kept case that is damaged, or was made by another version or from other files, is named to
    ``heard`` and made again.

    Parameters
    ----------
    root
        Where the dataset was unpacked.
    cache
        Where cases are kept; made if absent.
    workers
        Subjects that are read side by side.
    heard
        Told in a sentence what is made again and why.

    Raises
    ------
    DatasetError
        If a file or folder of the dataset is not what it should be.
    """
    cache.mkdir(parents=True, exist_ok=True)
    keeps = [_Keep(each, cache / f"unitobrain-{each.name}.npz") for each in subjects(root)]
    pool = ThreadPoolExecutor(workers)
    try:
        made = {keep: pool.submit(keep.make) for keep in keeps if not keep.is_sound(heard)}
        for keep in keeps:
            if keep in made:
                made[keep].result()
            yield keep.read()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Keep:
    """One subject's case on disk."""

    folders: SubjectFolders
    path: Path

    def is_sound(self, heard: Callable[[str], None]) -> bool:
        """Whether the kept case is there, whole, and of these sources; says why not."""
        if not self.path.exists():
            return False
        try:
            with np.load(self.path) as arrays:
                made_of = str(arrays["made_of"])
            self.read()
        except _DAMAGE:
            heard(f"{self.path} is damaged: {self.folders.name} is read again")
            return False
        if made_of != self._sources():
            heard(f"{self.path} is outdated: {self.folders.name} is read again")
            return False
        return True

    def make(self) -> None:
        """Read and prepare the subject, and keep its case or why there is none."""
        case = case_of(read_subject(self.folders))
        arrays = {"why": np.array(str(case))} if isinstance(case, Refusal) else vars(case)
        partial = self.path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, made_of=np.array(self._sources()), **arrays)
        partial.replace(self.path)

    def read(self) -> Case | Left:
        """What was kept."""
        with np.load(self.path) as kept:
            arrays = {name: kept[name] for name in kept.files if name != "made_of"}
        if "why" in arrays:
            return Left(self.folders.name, str(arrays["why"]))
        return Case(**arrays)

    def _sources(self) -> str:
        """A digest of code version, grid and the subject's files (name, size, time of change)."""
        digest = hashlib.sha256(f"{VERSION} {GRID}".encode())
        places = [self.folders.raw, self.folders.filtered]
        for folder in (*places, *map(self.folders.map, NLR_MAPS)):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                facts = path.stat()
                name = path.relative_to(self.folders.parent)
                digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()
