"""A trained network in, an .onnx file and its manifest out."""

from models.export.onnx import NAME, WEIGHTS, export_network, keep_manifest, write_manifest
from models.export.paper import PAPER_SMALL, export_paper

__all__ = [
    "NAME",
    "PAPER_SMALL",
    "WEIGHTS",
    "export_network",
    "export_paper",
    "keep_manifest",
    "write_manifest",
]
