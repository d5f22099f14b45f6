"""The model: verified at start, warm, maps out."""

from node.inference.manifest import Manifest, Output, Tensor, Training, read_manifest
from node.inference.model import OnnxModel, load_model

__all__ = [
    "Manifest",
    "OnnxModel",
    "Output",
    "Tensor",
    "Training",
    "load_model",
    "read_manifest",
]
