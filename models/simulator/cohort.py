"""Many scans, simulated once and kept on disk with what made them."""

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.simulator.keeping import keep, kept
from models.simulator.plans import any_patient
from models.simulator.scan import SimulatedScan

_MANIFEST = "manifest.json"
# What only shows or sends a scan does not change it.
_SHOWS = {"cohort_command.py", "command.py", "contact_sheet.py", "dicom_writer.py", "vendors.py"}
_LIBRARIES = ("numpy", "scipy", "nilearn")

Recipe = Callable[[int], SimulatedScan]
"""A seed to a scan: a module's function, or a :func:`functools.partial` of one with keywords."""


def version_of(recipe: Recipe) -> str:
    """What the scans of a recipe depend on: its name and options, sources and libraries.

    Parameters
    ----------
    recipe
        A module's function, or a partial of one.
    """
    options: dict[str, Any] = {}
    function: Any = recipe
    while isinstance(function, partial):
        options = {**function.keywords, **options}
        function = function.func
    named = f"{function.__module__}.{function.__qualname__}({_facts(options)!r})"
    rooms = {"models.simulator", function.__module__.rpartition(".")[0]}
    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    digest = hashlib.sha256("|".join([named, *libraries]).encode())
    for room in sorted(rooms):
        for source in _sources(room):
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def _facts(options: dict[str, Any]) -> list[tuple[str, Any]]:
    """Options in order of their names, every field of a data class told."""
    return sorted(
        (name, asdict(value) if is_dataclass(value) and not isinstance(value, type) else value)
        for name, value in options.items()
    )


def _sources(room: str) -> list[Path]:
    """The Python files of a package, in order of their names."""
    spec = find_spec(room) if room else None
    folders = [] if spec is None else spec.submodule_search_locations or []
    found = (source for folder in folders for source in Path(folder).glob("*.py"))
    return sorted(source for source in found if source.name not in _SHOWS)


@dataclass(frozen=True, eq=False)
class Cohort:
    """Scans on disk, one file each, and a manifest that says what each must be.

    Parameters
    ----------
    folder
        Where they are kept; made if absent.
    recipe
        What makes a scan from a seed.
    heard
        Told in a sentence which cached scan is rebuilt, and why.
    """

    folder: Path
    recipe: Recipe
    heard: Callable[[str], None]

    def scans(self, seeds: Sequence[int], workers: int) -> Iterator[SimulatedScan]:
        """The scans of some seeds in their order, simulated where they are not kept yet.

        Parameters
        ----------
        seeds
            Which patients.
        workers
            Processes that simulate side by side; 1 simulates in this one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        ours = version_of(self.recipe)
        entries = self._manifest()
        todo = [seed for seed in dict.fromkeys(seeds) if not self._good(seed, entries, ours)]
        with _Crew(workers if len(todo) > 1 else 1) as crew:
            made = {seed: crew.submit(_make, self.recipe, seed, self._path(seed)) for seed in todo}
            for seed in seeds:
                if seed in made:
                    digest = made.pop(seed)()
                    entries[str(seed)] = {"version": ours, "sha256": digest}
                    self._write(entries)
                yield kept(self._path(seed))

    def _path(self, seed: int) -> Path:
        return self.folder / f"scan-{seed:08d}.npz"

    def _good(self, seed: int, entries: dict[str, Any], ours: str) -> bool:
        """Whether the kept scan is there, of this version and undamaged; says why not."""
        path, entry = self._path(seed), entries.get(str(seed))
        if not path.exists():
            if entry is not None:
                self.heard(f"{path.name} is gone: it is simulated again")
            return False
        if entry is None:
            self.heard(f"{path.name} is not in the manifest: it is simulated again")
            return False
        if entry["version"] != ours:
            self.heard(
                f"{path.name} is outdated (made by version {entry['version'][:8]}, this is "
                f"{ours[:8]}): it is simulated again"
            )
            return False
        if _digest(path) != entry["sha256"]:
            self.heard(f"{path.name} is damaged: it is simulated again")
            return False
        return True

    def _manifest(self) -> dict[str, Any]:
        path = self.folder / _MANIFEST
        if not path.exists():
            return {}
        try:
            read = json.loads(path.read_text())
        except ValueError:
            self.heard(f"{path.name} is damaged: every scan is simulated again")
            return {}
        sound = isinstance(read, dict) and all(
            isinstance(entry, dict) and {"version", "sha256"} <= entry.keys()
            for entry in read.values()
        )
        if not sound:
            self.heard(f"{path.name} is no manifest: every scan is simulated again")
        return read if sound else {}

    def _write(self, entries: dict[str, Any]) -> None:
        partial_path = self.folder / f"{_MANIFEST}.partial"
        partial_path.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")
        partial_path.replace(self.folder / _MANIFEST)


def cohort(
    folder: Path,
    seeds: Sequence[int],
    *,
    recipe: Recipe = any_patient,
    workers: int = 1,
    heard: Callable[[str], None] = print,
) -> Iterator[SimulatedScan]:
    """The scans of some seeds, each simulated once and then read from disk.

    A scan that is damaged, gone, or made by other sources or options is named to ``heard`` and
    simulated again.

    Parameters
    ----------
    folder
        Where they are kept; made if absent.
    seeds
        Which patients.
    recipe
        What makes a scan from a seed: a module's function, or a partial of one with keywords.
    workers
        Processes that simulate side by side.
    heard
        Told in a sentence what is rebuilt and why.
    """
    return Cohort(folder, recipe, heard).scans(seeds, workers)


class _Crew:
    """Runs calls in other processes, or in this one when each is asked for."""

    def __init__(self, workers: int) -> None:
        # Spawned, not forked: torch's and BLAS's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=context) if workers > 1 else None

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, *raised: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, call: Callable[..., str], *arguments: Any) -> Callable[[], str]:
        """A promise of what the call returns."""
        if self._pool is None:
            return partial(call, *arguments)
        future: Future[str] = self._pool.submit(call, *arguments)
        return future.result


def _make(recipe: Recipe, seed: int, path: Path) -> str:
    """Simulate and keep one scan; its file's SHA-256."""
    keep(recipe(seed), path)
    return _digest(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
