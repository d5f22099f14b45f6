"""Everything that an analysis found, as one noun."""

from dataclasses import dataclass

from node.perfusion.check import QualityCheck, raised
from node.perfusion.courses import TimeCourses
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
    checks
        Every check of quality that was made, with its numbers and its grade.
    courses
        Enhancement over time; None where it is not known.
    motion
        How the head moved; None where it was not asked.
    """

    maps: PerfusionMaps
    lesion: Lesion
    checks: tuple[QualityCheck, ...] = ()
    courses: TimeCourses | None = None
    motion: Motion | None = None

    @property
    def flags(self) -> tuple[QualityCheck, ...]:
        """The checks that are not ok: what a reader must know before trusting the maps."""
        return raised(self.checks)
