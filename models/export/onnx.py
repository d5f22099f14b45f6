"""The network as ONNX, and the manifest that the node verifies (DESIGN.md section 8)."""

import hashlib
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn

from models.network import SCALES, PerfusionNet
from models.training import GRID
from node.inference import Grid, Input, Manifest, Output, Training, manifest_path

NAME = "perfusion-unet"
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "perfusion.onnx"
OPSET = 18
LICENCE = "Apache-2.0"
NORMALISATION = (
    "inside the graph: enhancement and vessel curves over the vein's peak, compressed; "
    "baseline clipped to -20..80 HU"
)
AXES = {
    "enhancement": ("slices", GRID.time_points, "rows", "columns"),
    "baseline": ("slices", "rows", "columns"),
    "vessels": ("slices", 2, GRID.time_points),
}
MEANINGS = {
    "enhancement": "enhancement above the pre-bolus baseline, from 4 s before arrival",
    "baseline": "attenuation before contrast",
    "vessels": "curves of the scan's likeliest artery and vein, the same for all slices",
}
MAP_AXES = ("slices", "rows", "columns")


class _Separate(nn.Module):
    """The network with one output a map, as the manifest names them."""

    def __init__(self, network: PerfusionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, enhancement: Tensor, baseline: Tensor, vessels: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(enhancement, baseline, vessels).unbind(1))


def export_network(network: PerfusionNet, path: Path) -> None:
    """Write the network as ONNX; slices, rows and columns may vary.

    Parameters
    ----------
    network
        In evaluation mode or not: it is exported as for evaluation.
    path
        The .onnx file; weights lie inside it.
    """
    side = 4 * network.multiple
    example = (
        torch.zeros(2, GRID.time_points, side, side),
        torch.zeros(2, side, side),
        torch.ones(2, 2, GRID.time_points),
    )
    slices = torch.export.Dim("slices", min=1, max=4096)
    down, across = (torch.export.Dim(f"{name}_by_multiple", min=2, max=64) for name in ("r", "c"))
    rows, columns = network.multiple * down, network.multiple * across
    program = torch.onnx.export(
        _Separate(network).eval(),
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(AXES),
        output_names=[str(quantity) for quantity in SCALES],
        dynamic_shapes=(
            {0: slices, 2: rows, 3: columns},
            {0: slices, 1: rows, 2: columns},
            {0: slices},
        ),
        verbose=False,
    )
    assert program is not None  # noqa: S101 -- only None for a fake export, says its signature
    path.parent.mkdir(parents=True, exist_ok=True)
    program.save(str(path), external_data=False)


def write_manifest(path: Path, version: str, training: Training, day: date) -> Manifest:
    """Write the manifest beside an .onnx file; metrics come later, from a score.

    Parameters
    ----------
    path
        The .onnx file.
    version
        Of the weights.
    training
        Where they come from.
    day
        When they were made.
    """
    manifest = Manifest(
        name=NAME,
        version=version,
        date=day,
        licence=LICENCE,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        grid=Grid(**asdict(GRID)),
        inputs=tuple(
            Input(name=name, shape=shape, unit="HU", meaning=MEANINGS[name])
            for name, shape in AXES.items()
        ),
        outputs=tuple(
            Output(
                name=str(quantity),
                quantity=quantity,
                shape=MAP_AXES,
                unit=quantity.meaning.unit,
                scale=1.0,
            )
            for quantity in SCALES
        ),
        training=training,
        metrics={},
    )
    keep_manifest(manifest, path)
    return manifest


def keep_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest beside its .onnx file."""
    manifest_path(path).write_text(manifest.model_dump_json(indent=2) + "\n")
