"""The files of a folder as series of instances."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from node.cli.output import progress
from node.errors import InstanceUnreadableError, SpoolError
from node.series import Instance, images_of, read_header

_EPOCH = datetime(1970, 1, 1)  # naive on purpose: the scanner's wall clock, zone unsaid
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    Parameters
    ----------
    series
        The instances by Series Instance UID, in ascending order of it.
    files
        How many files there are.
    unreadable
        How many of them are no readable DICOM instances; ``example`` says why of one.
    repeated
        How many have the SOP Instance UID of another; the first by its path is taken.
    example
        A file that was passed over, and why.
    """

    series: Mapping[str, list[Instance]]
    files: int
    unreadable: int
    repeated: int
    example: str


def read(files: Sequence[Path]) -> Found:
    """Every instance among the files, by series; its header alone is read."""
    series: dict[str, list[Instance]] = defaultdict(list)
    known: set[str] = set()
    faults: list[str] = []
    repeated = 0
    with progress() as bar:
        for path in bar.track(files, description="Reading headers"):
            try:
                header = read_header(path)
            except (InstanceUnreadableError, SpoolError) as fault:
                faults.append(f"{path.name}: {fault}")
                continue
            if header.sop_instance_uid in known:
                repeated += 1
                continue
            known.add(header.sop_instance_uid)
            series[header.series_instance_uid].append(Instance(header, path))
    example = faults[0] if faults else ""
    return Found(dict(sorted(series.items())), len(files), len(faults), repeated, example)


def acquired_last(instances: Iterable[Instance]) -> datetime:
    """When the last image was acquired, by the scanner's clock; 1970 where no image says.

    Results are dated by it: a copy of the images then gives the same bytes on any day and any
    machine.
    """
    images = images_of(instances)
    return _EPOCH + timedelta(seconds=max((_dated_s(i) for i in images), default=0.0))


def _dated_s(instance: Instance) -> float:
    """The most trusted clock that bears a date, in seconds since 1970; 0 without one."""
    return next((s for _, s in instance.header.times_s if s >= _DAY_S), 0.0)
