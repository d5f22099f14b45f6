"""Sections of the settings: where results go, and what is asked of it afterwards."""

from typing import Annotated, Literal, get_args

from pydantic import Discriminator, Field, StringConstraints, Tag

from node.settings.certificates import PeerTls
from node.settings.dicomweb import DicomWeb
from node.settings.section import AeTitle, Port, Section

ResultKind = Literal[
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
ALL_RESULTS: tuple[ResultKind, ...] = get_args(ResultKind)
ON_REQUEST: tuple[ResultKind, ...] = ("colour_multiframe", "derived_ct", "rejection_note")
DEFAULT_RESULTS = tuple(kind for kind in ALL_RESULTS if kind not in ON_REQUEST)


class _Destination(Section):
    """What every archive that receives results has: a name, and which objects it is sent."""

    name: Annotated[str, StringConstraints(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")]
    """What people and commands call it: letters, digits, _ and -."""
    results: tuple[ResultKind, ...] = DEFAULT_RESULTS
    """Which kinds of objects it is sent."""
    verify: Literal["none", "find"] = "none"
    """find: it is asked after a delivery for what it was sent; none: it is not."""


class Destination(_Destination):
    """A PACS that receives results over C-STORE."""

    ae_title: AeTitle
    """Called AE title."""
    host: str = "127.0.0.1"
    """Its address."""
    port: Port
    """Its port."""
    commitment: bool = False
    """Whether it is asked for storage commitment."""
    tls: PeerTls | None = None
    """TLS with it; without this block everything is sent in the clear."""


class WebDestination(_Destination, DicomWeb):
    """A DICOMweb server that receives results over STOW-RS."""


def _kind_of(value: object) -> str:
    """Which kind of destination a block is meant as: one with a ``url`` is a DICOMweb server."""
    web = "url" in value if isinstance(value, dict) else isinstance(value, WebDestination)
    return "dicomweb" if web else "dicom"


KINDS = ("dicom", "dicomweb")
AnyDestination = Annotated[
    Annotated[Destination, Tag(KINDS[0])] | Annotated[WebDestination, Tag(KINDS[1])],
    Discriminator(_kind_of),
]


class CommitmentSettings(Section):
    """Storage commitment: how long replies are waited for, and what is done without one."""

    hold_s: Annotated[float, Field(ge=0, le=60)] = 2.0
    """How long the association of a request is held open for the reply [s]."""
    reply_s: Annotated[float, Field(gt=0)] = 1800.0
    """Without a reply for so long it is asked for again [s]; the wait doubles each time."""
    reply_longest_s: Annotated[float, Field(gt=0)] = 14_400.0
    """Longest such wait [s]."""
    hours: Annotated[float, Field(gt=0)] = 48.0
    """After so long without a commitment it is given up [h]."""
    max_resends: Annotated[int, Field(ge=0)] = 2
    """How often an object is sent again that a destination reports as failed."""
