"""Maps in, DICOM result objects out."""

from node.derived.bundle import DerivedObject, ObjectKind

__all__ = ["DerivedObject", "ObjectKind"]
