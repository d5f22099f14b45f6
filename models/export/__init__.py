"""A trained network in, an .onnx file and its manifest out."""

from models.export.half import export_half, half_path
from models.export.onnx import Origin, keep_manifest
from models.export.paper import PAPER_SMALL, export_paper
from models.export.perfusion import NAME, WEIGHTS, export_network

__all__ = [
    "NAME",
    "PAPER_SMALL",
    "WEIGHTS",
    "Origin",
    "export_half",
    "export_network",
    "export_paper",
    "half_path",
    "keep_manifest",
]
