"""What a model says of itself: the .json beside the .onnx (DESIGN.md section 8)."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from node.errors import ModelError
from node.perfusion import FEATURES, ModelGrid, Quantity

Text = Annotated[str, StringConstraints(min_length=1)]
Axis = Annotated[int, Field(ge=1)] | Text
Range = tuple[float, float]
NO_UNIT = "1"
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Part):
    """One input: an axis is a number where it is fixed, a name where it may vary."""

    name: Text
    shape: tuple[Axis, ...]
    unit: Text
    meaning: Text


class Output(_Part):
    """One output: the graph's value times ``scale`` is the quantity in ``unit``.

    An ``uncertainty`` is the absolute error to be expected of the quantity's map; its ``scale``
    also makes up for what the network over- or underestimates it by. ``parenchyma`` is of no
    quantity: the probability that grey or white matter fills the voxel.
    """

    name: Text
    kind: Literal["map", "uncertainty", "parenchyma"] = "map"
    quantity: Quantity | None = None
    shape: tuple[Axis, ...]
    unit: Text
    scale: Annotated[float, Field(gt=0)]


class Grid(_Part):
    """The grid of the inputs, as in :class:`node.perfusion.ModelGrid`."""

    time_points: Annotated[int, Field(ge=2)]
    interval_s: Annotated[float, Field(gt=0)]
    pixel_mm: Annotated[float, Field(gt=0)]
    multiple: Annotated[int, Field(ge=1)]


class Training(_Part):
    """Where the weights come from."""

    data: Text
    cases: Annotated[int, Field(ge=1)]
    seed: int
    steps: Annotated[int, Field(ge=1)]
    normalisation: Text


class Manifest(_Part):
    """Everything the node and a reader must know about a model.

    A slice's maps depend on its neighbours as far as ``reach_slices`` away. ``familiar`` says
    between which values the features of the scans lay that the network learned from, by the keys
    of :data:`node.perfusion.FEATURES`; it may lack some or all. ``precision`` is that of the
    layers between the inputs and the outputs, which are of single precision always. ``denoised``
    says whether a noisy scan's enhancement is averaged over like neighbours first
    (:func:`node.perfusion.averaged_alike`), as the network has learned to see it.
    """

    format: Literal[1] = 1
    name: Text
    version: Text
    date: date
    licence: Text
    sha256: Digest
    precision: Literal["float32", "float16"] = "float32"
    grid: Grid
    reach_slices: Annotated[int, Field(ge=0)] = 0
    denoised: bool = False
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    familiar: dict[str, Range] = {}
    training: Training
    metrics: dict[str, float]

    @property
    def model_grid(self) -> ModelGrid:
        """The grid that :func:`node.perfusion.prepare` is asked for."""
        return ModelGrid(**self.grid.model_dump())


def manifest_path(weights: Path) -> Path:
    """Where the manifest of an .onnx file lies: beside it, ending in .json."""
    return weights.with_suffix(".json")


def read_manifest(weights: Path) -> Manifest:
    """The manifest beside an .onnx file, checked against the file's own bytes.

    Raises
    ------
    ModelError
        If a file is missing, the manifest is malformed, a quantity has no output, an output has
        another unit or none of its kind, a range of features is unknown or empty, or the checksum
        differs.
    """
    beside = manifest_path(weights)
    for path in (weights, beside):
        if not path.is_file():
            raise ModelError(f"{path} does not exist")
    try:
        manifest = Manifest.model_validate_json(beside.read_bytes())
    except ValidationError as problems:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problems.errors()]
        raise ModelError(f"{beside} is no manifest: " + "; ".join(lines)) from None
    _check_outputs(manifest, beside)
    _check_ranges(manifest, beside)
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != manifest.sha256:
        raise ModelError(f"{weights} has sha256 {found}, {beside.name} says {manifest.sha256}")
    return manifest


def _check_outputs(manifest: Manifest, beside: Path) -> None:
    mapped = {output.quantity for output in manifest.outputs if output.kind == "map"}
    if absent := [str(q) for q in Quantity if q not in mapped]:
        raise ModelError(f"{beside} names no output for {', '.join(absent)}")
    for output in manifest.outputs:
        if (output.quantity is None) != (output.kind == "parenchyma"):
            raise ModelError(f"{beside} gives {output.name} as {output.kind} of {output.quantity}")
        unit = output.quantity.meaning.unit if output.quantity else NO_UNIT
        if output.unit != unit:
            raise ModelError(f"{beside} gives {output.name} in {output.unit}, not {unit}")


def _check_ranges(manifest: Manifest, beside: Path) -> None:
    if unknown := sorted(manifest.familiar.keys() - FEATURES.keys()):
        raise ModelError(f"{beside} gives ranges of {', '.join(unknown)}, which are not measured")
    for name, (low, high) in manifest.familiar.items():
        if not low <= high:
            raise ModelError(f"{beside} gives {name} from {low} to {high}, which is no range")
