"""Everything that an analysis found, as one noun."""

from dataclasses import dataclass

from node.perfusion.courses import TimeCourses
from node.perfusion.flag import QualityFlag
from node.perfusion.lesion import Lesion
from node.perfusion.maps import PerfusionMaps
from node.perfusion.motion import Motion


@dataclass(frozen=True, eq=False)
class Findings:
    """What an analysis found in one scan.

    Parameters
    ----------
    maps, lesion
        On the analysis grid.
    flags
        What a reader must know before trusting them.
    courses
        Enhancement over time; None where it is not known.
    motion
        How the head moved; None where it was not asked.
    """

    maps: PerfusionMaps
    lesion: Lesion
    flags: tuple[QualityFlag, ...] = ()
    courses: TimeCourses | None = None
    motion: Motion | None = None
