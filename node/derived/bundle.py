"""What goes back to the PACS, as nouns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

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
    "rejection_note",
]
ColourTable = Literal["asist", "viridis"]
RejectionReason = Literal["quality", "safety"]
ALL_KINDS: tuple[ObjectKind, ...] = get_args(ObjectKind)
ON_REQUEST: tuple[ObjectKind, ...] = ("colour_multiframe", "derived_ct", "rejection_note")
"""Pictures by the film, maps in grey, notes on what is superseded: for sites that need them."""
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
class EarlierResult:
    """A result of a revision before.

    Parameters
    ----------
    kind, revision
        What it is, and whose.
    sop_class_uid, series_instance_uid, sop_instance_uid
        Where it stands in its study.
    delivered
        Whether any destination took it.
    """

    kind: str
    revision: int
    sop_class_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    delivered: bool


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
        The results of earlier revisions: the report names the last report as its predecessor,
        a rejection note what was delivered.
    rejection_reason
        Why a rejection note says that they are not to be read: what an archive does about them
        depends on it.
    """

    revision: int
    created: datetime
    software_version: str
    uid_root: str = ""
    series_number: int = 9000
    colour_table: ColourTable = "asist"
    kinds: tuple[ObjectKind, ...] = DEFAULT_KINDS
    supersedes: tuple[EarlierResult, ...] = ()
    rejection_reason: RejectionReason = "quality"
