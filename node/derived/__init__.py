"""Maps in, DICOM result objects out."""

from node.derived.bundle import ALL_KINDS, ColourTable, DerivedObject, EncodeOptions, ObjectKind
from node.derived.encoding import encode
from node.derived.reading import read_map, segment_volumes_ml
from node.derived.refusal_page import refusal_page

__all__ = [
    "ALL_KINDS",
    "ColourTable",
    "DerivedObject",
    "EncodeOptions",
    "ObjectKind",
    "encode",
    "read_map",
    "refusal_page",
    "segment_volumes_ml",
]
