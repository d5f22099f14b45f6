"""The way of a scan through the room, from bytes to pixels, with nothing caught but faults."""

import math
import os
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from node.errors import NodeError
from node.refusals import Refusal
from node.series import (
    Eligibility,
    Instance,
    completeness,
    put_together,
    read_header,
    read_source,
    source_checks,
    stack,
    survey,
)
from node.series.pixels import AIR_HU, MAX_HU
from tests.fuzz.seeds import NAMES, seed

ACCEPTED, NOTHING = "accepted", "nothing readable"
# More than any case's files and the threads that read them can need; less than a lie asks for.
MOST_BYTES = 512 << 20
SLOWEST_S = 20.0  # of processor time: the machine may have other work

# The scans are small, to be many.
_LIMITS = Eligibility(min_frames=5, min_coverage_s=2.0, min_slices=1, index_interval_s=5.5)
_PIXEL_MM = 50.0


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Parameters
    ----------
    verdict
        Of its largest scan: :data:`ACCEPTED`, a refusal's code, or the class of a NodeError;
        :data:`NOTHING` where no file could be read.
    faults
        How many files could not be read, by the class of the NodeError.
    mutated
        How many files were not as they had been.
    """

    verdict: str
    faults: Counter[str] = field(default_factory=Counter)
    mutated: int = 0


class Bench:
    """Where cases are walked through: one folder, used again for every case."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole: dict[bytes, Instance] = {}

    @classmethod
    def of_seeds(cls, folder: Path, names: Sequence[str] = NAMES) -> "Bench":
        """With the sound scans of these names kept."""
        bench = cls(folder)
        for name in names:
            bench.keep([file.encoded for file in seed(name).files])
        return bench

    def keep(self, files: Sequence[bytes]) -> None:
        """Reads sound files once, so that a case is read only where it was mutated."""
        for file in files:
            path = self._folder / f"whole{len(self._whole)}.dcm"
            path.write_bytes(file)
            self._whole.setdefault(file, Instance(read_header(path), path))

    def walk(self, files: Sequence[bytes]) -> Outcome:
        """The outcome of a case; anything but a Refusal or a NodeError is raised.

        Raises
        ------
        AssertionError
            If what came out cannot be right, or took too long.
        """
        started_s = time.process_time()
        faults: Counter[str] = Counter()
        series: dict[str, list[Instance]] = {}
        for number, file in enumerate(files):
            try:
                instance = self._whole.get(file) or self._read(file, number)
                series.setdefault(instance.header.series_instance_uid, []).append(instance)
            except NodeError as fault:
                faults[type(fault).__name__] += 1
        scans = sorted(put_together(dict(sorted(series.items()))), key=len)
        verdicts = [_verdict(scan) for scan in scans]
        took_s = time.process_time() - started_s
        assert took_s < SLOWEST_S, f"the case took {took_s:.0f} s"
        mutated = sum(file not in self._whole for file in files)
        return Outcome(verdicts[-1] if verdicts else NOTHING, faults, mutated)

    def _read(self, file: bytes, number: int) -> Instance:
        """As the command line reads a file; in memory, as the listener does, it is the same."""
        path = self._folder / f"{number}.dcm"
        path.write_bytes(file)
        instance = Instance(read_header(path), path)
        if number == 0:
            assert instance.header == read_header(file)
        return instance


def _verdict(instances: Sequence[Instance]) -> str:
    whole = completeness(i.header for i in instances)
    assert whole.complete != bool(whole.missing)
    try:
        surveyed = survey(instances, _LIMITS)
        series = surveyed.verdict
        if isinstance(series, Refusal):
            return str(series.code)
        assert np.all(np.diff(series.time_s, axis=0) > 0)
        source_checks(series)
        read_source(series)
        stacked = stack(series, _PIXEL_MM)
    except NodeError as fault:
        return type(fault).__name__
    if isinstance(stacked, Refusal):
        # a decoder that runs out of memory was asked for more than its bytes bear out
        assert "MemoryError" not in stacked.found
        return str(stacked.code)
    hu = stacked.scan.hu
    assert np.isfinite(hu).all()
    assert hu.min() >= AIR_HU
    assert hu.max() <= MAX_HU
    assert np.isfinite(stacked.geometry.position_mm).all()
    assert all(0 < mm < math.inf for mm in stacked.geometry.spacing_mm)
    return ACCEPTED


@contextmanager
def little_memory() -> Iterator[None]:
    """Lets this process have :data:`MOST_BYTES` more than it has, while the block lasts."""
    status = Path("/proc/self/status").read_text()
    [now] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData")]
    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (now * 1024 + MOST_BYTES, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))


def quick_folder() -> str | None:
    """A folder in memory, where there is one: the cases are thousands of small files."""
    shared = "/dev/shm"  # noqa: S108 - only a folder of our own is made in it
    return shared if os.access(shared, os.W_OK) else None
