"""Maps in, DICOM result objects out."""

from node.derived.bundle import (
    ALL_KINDS,
    DEFAULT_KINDS,
    ColourTable,
    DerivedObject,
    EarlierResult,
    EncodeOptions,
    ObjectKind,
)
from node.derived.encoding import encode
from node.derived.reading import map_quantity, read_map, read_report, segment_volumes_ml
from node.derived.refusal_page import refusal_page
from node.derived.rejection_note import rejection_notes
from node.derived.summary import evenly_spread

__all__ = [
    "ALL_KINDS",
    "DEFAULT_KINDS",
    "ColourTable",
    "DerivedObject",
    "EarlierResult",
    "EncodeOptions",
    "ObjectKind",
    "encode",
    "evenly_spread",
    "map_quantity",
    "read_map",
    "read_report",
    "refusal_page",
    "rejection_notes",
    "segment_volumes_ml",
]
