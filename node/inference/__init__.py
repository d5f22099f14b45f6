"""The model: verified at start, warm, maps out."""

from node.inference.known import KnownModel
from node.inference.manifest import (
    Grid,
    Input,
    Manifest,
    Output,
    Training,
    manifest_path,
    read_manifest,
)
from node.inference.model import OnnxModel, load_model

__all__ = [
    "Grid",
    "Input",
    "KnownModel",
    "Manifest",
    "OnnxModel",
    "Output",
    "Training",
    "load_model",
    "manifest_path",
    "read_manifest",
]
