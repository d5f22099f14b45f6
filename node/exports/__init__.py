"""Result objects in, files for people without a PACS out: NIfTI, pictures, a page."""

from node.exports.exporter import NEEDS, Exporter, ExportFile, ExportKind
from node.exports.montage import montage

__all__ = ["NEEDS", "ExportFile", "ExportKind", "Exporter", "montage"]
