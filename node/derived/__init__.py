"""Maps in, DICOM result objects out."""

from node.derived.bundle import (
    ALL_KINDS,
    DEFAULT_KINDS,
    ColourTable,
    DerivedObject,
    EncodeOptions,
    ObjectKind,
    ReportUids,
)
from node.derived.encoding import encode
from node.derived.reading import map_quantity, read_map, read_report, segment_volumes_ml
from node.derived.refusal_page import refusal_page

__all__ = [
    "ALL_KINDS",
    "DEFAULT_KINDS",
    "ColourTable",
    "DerivedObject",
    "EncodeOptions",
    "ObjectKind",
    "ReportUids",
    "encode",
    "map_quantity",
    "read_map",
    "read_report",
    "refusal_page",
    "segment_volumes_ml",
]
