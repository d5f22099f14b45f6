"""A trained network in, an .onnx file and its manifest out."""

from models.export.onnx import NAME, WEIGHTS, export_network, keep_manifest, write_manifest

__all__ = ["NAME", "WEIGHTS", "export_network", "keep_manifest", "write_manifest"]
