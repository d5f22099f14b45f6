"""The network as ONNX, and the manifest that the node verifies (DESIGN.md section 8)."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

from models.network import SCALES, PerfusionNet
from models.training import GRID
from node.inference import Grid, Input, Manifest, Output, Training, manifest_path
from node.perfusion import Quantity

NAME = "perfusion-unet"
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "perfusion.onnx"
OPSET = 18
LICENCE = "Apache-2.0"
NORMALISATION = (
    "inside the graph: enhancement and vessel curves over the vein's peak; "
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
        found = self.network(enhancement, baseline, vessels)
        return *found.maps.unbind(1), *found.doubts.unbind(1), found.parenchyma.sigmoid()


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
        output_names=[output.name for output in _outputs({})],
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


def write_manifest(
    path: Path,
    network: PerfusionNet,
    training: Training,
    version: str,
    day: date,
    calibration: Mapping[Quantity, float] = MappingProxyType({}),
) -> Manifest:
    """Write the manifest beside an .onnx file; metrics come later, from a score.

    Parameters
    ----------
    path
        The .onnx file.
    network
        What was exported.
    training
        Where the weights come from.
    version
        Of the weights.
    day
        When they were made.
    calibration
        What the network's uncertainty of a quantity is multiplied with; 1 where it is absent.
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
        reach_slices=network.reach,
        outputs=_outputs(calibration),
        training=training,
        metrics={},
    )
    keep_manifest(manifest, path)
    return manifest


def _outputs(calibration: Mapping[Quantity, float]) -> tuple[Output, ...]:
    """The graph's outputs in its order: every map, every map's uncertainty, the parenchyma."""

    def output(quantity: Quantity, kind: Literal["map", "uncertainty"]) -> Output:
        certain = kind == "map"
        return Output(
            name=str(quantity) if certain else f"{quantity}_uncertainty",
            kind=kind,
            quantity=quantity,
            shape=MAP_AXES,
            unit=quantity.meaning.unit,
            scale=1.0 if certain else calibration.get(quantity, 1.0),
        )

    return (
        *(output(quantity, "map") for quantity in SCALES),
        *(output(quantity, "uncertainty") for quantity in SCALES),
        Output(name="parenchyma", kind="parenchyma", shape=MAP_AXES, unit="1", scale=1.0),
    )


def keep_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest beside its .onnx file."""
    manifest_path(path).write_text(manifest.model_dump_json(indent=2) + "\n")
