"""What goes back to the PACS, as nouns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydicom import Dataset

ObjectKind = Literal[
    "background",
    "colour",
    "colour_multiframe",
    "summary_page",
    "segmentation",
    "parametric_map",
    "derived_ct",
    "report",
    "refusal_page",
]
ColourTable = Literal["asist", "viridis"]
ALL_KINDS: tuple[ObjectKind, ...] = (
    "background",
    "colour",
    "colour_multiframe",
    "summary_page",
    "segmentation",
    "parametric_map",
    "derived_ct",
    "report",
    "refusal_page",
)
ON_REQUEST: tuple[ObjectKind, ...] = ("colour_multiframe", "derived_ct")
"""The same pictures in one instance a map, and maps in grey: for viewers that need them."""
DEFAULT_KINDS = tuple(kind for kind in ALL_KINDS if kind not in ON_REQUEST)
"""Of use to every PACS."""


@dataclass(frozen=True, eq=False)
class DerivedObject:
    """One instance to send.

    Parameters
    ----------
    kind
        Which switch of a destination's ``results`` it belongs to.
    dataset
        The whole instance with ``file_meta``.
    """

    kind: ObjectKind
    dataset: Dataset

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID of the object."""
        return str(self.dataset.SOPInstanceUID)


@dataclass(frozen=True)
class ReportUids:
    """Where a report stands in its study."""

    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class EncodeOptions:
    """How results are encoded.

    Parameters
    ----------
    revision
        1 for the first result of a series; a higher one supersedes the one before.
    created
        When the result was made, in the site's local time: written as it stands, or, where it
        is aware and the source states TimezoneOffsetFromUTC, in the source's offset.
    software_version
        Version of the node.
    uid_root
        The site's own UID root; empty for UIDs below 2.25 (PS3.5 B.2).
    series_number
        First number of the block that the result series take.
    colour_table
        Look-up table of the colour pictures.
    kinds
        Which objects to return.
    supersedes
        The last report of an earlier revision, which this one names as its predecessor.
    """

    revision: int
    created: datetime
    software_version: str
    uid_root: str = ""
    series_number: int = 9000
    colour_table: ColourTable = "asist"
    kinds: tuple[ObjectKind, ...] = DEFAULT_KINDS
    supersedes: ReportUids | None = None
