"""A verdict about the data: what cannot be analysed, what was found, and what a person can do."""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a series cannot be analysed."""

    NOT_CT = "not_ct"
    LOCALIZER = "localizer"
    DERIVED = "derived"
    NO_PIXELS = "no_pixels"
    NO_GEOMETRY = "no_geometry"
    NO_TIME = "no_time"
    NOT_PERFUSION = "not_perfusion"
    NOT_SELECTED = "not_selected"
    TOO_SHORT = "too_short"
    TOO_FEW_FRAMES = "too_few_frames"
    TOO_FEW_SLICES = "too_few_slices"
    INCOMPLETE = "incomplete"
    MIXED_STUDIES = "mixed_studies"
    UNREADABLE_PIXELS = "unreadable_pixels"
    NO_BRAIN = "no_brain"
    NO_BOLUS = "no_bolus"
    TOO_SPARSE = "too_sparse"
    SLABS_APART = "slabs_apart"
    MOTION = "motion"
    TOO_LARGE = "too_large"

    @property
    def concerns_perfusion(self) -> bool:
        """Whether the series was meant as CT perfusion, so that its sender is owed a page.

        A stroke study brings topograms, plain CT and angiography along; those are refused
        silently towards the PACS (they stay visible on the status page).
        """
        return self not in _OTHER_SERIES


_OTHER_SERIES = frozenset(
    {
        RefusalCode.NOT_CT,
        RefusalCode.LOCALIZER,
        RefusalCode.DERIVED,
        RefusalCode.NO_PIXELS,
        RefusalCode.NO_GEOMETRY,
        RefusalCode.NOT_PERFUSION,
        RefusalCode.NOT_SELECTED,
    }
)


@dataclass(frozen=True)
class Refusal:
    """The data cannot be analysed.

    Parameters
    ----------
    code
        Why, for machines.
    found
        What was found, with numbers and units, for people.
    remedy
        What a person can do about it.
    """

    code: RefusalCode
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.code}: {self.found}. {self.remedy}"
