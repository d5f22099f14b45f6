"""Any network as ONNX, and the manifest that the node verifies (DESIGN.md section 8)."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import torch
from torch import nn

from models.training import GRID
from node.inference import Grid, Input, Manifest, Output, Training, manifest_path
from node.perfusion import Quantity

FOLDER = Path(__file__).resolve().parent.parent / "weights"
OPSET = 18
LICENCE = "Apache-2.0"
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
MOST_SLICES, MOST_ROWS = 4096, 1024


@dataclass(frozen=True, eq=False)
class Exportable:
    """A network with what the node must know to feed it and to read its outputs.

    Parameters
    ----------
    name
        Of the model.
    network
        Takes the inputs and gives one tensor an output, both in the order stated here.
    multiple
        Rows and columns must be a multiple of this.
    inputs
        Those of :data:`AXES` that it looks at.
    outputs
        As the manifest names them.
    reach_slices
        How many slices away a neighbour still changes a slice's maps.
    denoised
        Whether it has learned to see noisy enhancement averaged over like neighbours.
    """

    name: str
    network: nn.Module
    multiple: int
    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]
    reach_slices: int = 0
    denoised: bool = False


@dataclass(frozen=True, eq=False)
class Origin:
    """What is to be said of weights that is not in them.

    Parameters
    ----------
    version
        Of the weights.
    day
        When they were made.
    training
        Where they come from.
    familiar
        Between which values the features of the scans lay that they learned from.
    """

    version: str
    day: date
    training: Training
    familiar: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def write_model(model: Exportable, path: Path, origin: Origin) -> Manifest:
    """The manifest of what was written: the .onnx file, weights inside, and the .json beside it.

    Parameters
    ----------
    model
        In evaluation mode or not: it is exported as for evaluation.
    path
        The .onnx file.
    origin
        Repeated in the manifest; metrics come later, from a score.
    """
    _write_graph(model, path)
    manifest = Manifest(
        name=model.name,
        version=origin.version,
        date=origin.day,
        licence=LICENCE,
        sha256=digest(path),
        grid=Grid(**asdict(GRID)),
        inputs=tuple(
            Input(name=name, shape=AXES[name], unit="HU", meaning=MEANINGS[name])
            for name in model.inputs
        ),
        reach_slices=model.reach_slices,
        denoised=model.denoised,
        outputs=model.outputs,
        familiar=dict(origin.familiar),
        training=origin.training,
        metrics={},
    )
    keep_manifest(manifest, path)
    return manifest


def digest(path: Path) -> str:
    """A file's SHA-256, as its manifest gives it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def keep_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest beside its .onnx file."""
    manifest_path(path).write_text(manifest.model_dump_json(indent=2) + "\n")


def map_output(quantity: Quantity) -> Output:
    """A quantity's map in its own unit, as every network here gives it."""
    unit = quantity.meaning.unit
    return Output(name=str(quantity), quantity=quantity, shape=MAP_AXES, unit=unit, scale=1.0)


def _write_graph(model: Exportable, path: Path) -> None:
    """Write the network as ONNX; axes that the manifest gives by name may vary."""
    example = {"slices": 2, "rows": 4 * model.multiple, "columns": 4 * model.multiple}
    most = MOST_ROWS // model.multiple
    down, across = (torch.export.Dim(f"{name}_by_multiple", min=2, max=most) for name in ("r", "c"))
    varying = {
        "slices": torch.export.Dim("slices", min=1, max=MOST_SLICES),
        "rows": model.multiple * down,
        "columns": model.multiple * across,
    }
    shapes = [AXES[name] for name in model.inputs]
    program = torch.onnx.export(
        model.network.eval(),
        tuple(
            torch.ones([example[axis] if isinstance(axis, str) else axis for axis in shape])
            for shape in shapes
        ),
        dynamo=True,
        opset_version=OPSET,
        input_names=list(model.inputs),
        output_names=[output.name for output in model.outputs],
        dynamic_shapes=tuple(
            {i: varying[axis] for i, axis in enumerate(shape) if isinstance(axis, str)}
            for shape in shapes
        ),
        verbose=False,
    )
    assert program is not None  # noqa: S101 -- only None for a fake export, says its signature
    path.parent.mkdir(parents=True, exist_ok=True)
    program.save(str(path), external_data=False)
