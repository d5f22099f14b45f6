"""The paper's networks as ONNX: without the vessels, which they do not look at."""

import hashlib
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn

from models.export.onnx import (
    AXES,
    LICENCE,
    MAP_AXES,
    MEANINGS,
    OPSET,
    WEIGHTS,
    keep_manifest,
)
from models.network import SCALES, PaperNet
from models.training import GRID, TrainedPaper
from node.inference import Grid, Input, Manifest, Output, Training

PAPER_SMALL = WEIGHTS.parent / "paper-small.onnx"
INPUTS = ("enhancement", "baseline")
NORMALISATION = "inside the graph: 89 frames of 0.5 s, windowed to 40/400 HU, 8 bits deep"


class _Separate(nn.Module):
    """The networks with one output a map, as the manifest names them."""

    def __init__(self, network: PaperNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, enhancement: Tensor, baseline: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(enhancement, baseline).unbind(1))


def export_paper(trained: TrainedPaper, path: Path, version: str, day: date) -> Manifest:
    """Write one of the paper's networks as ONNX, its manifest beside it.

    Parameters
    ----------
    trained
        The network with its schedule.
    path
        The .onnx file; weights lie inside it.
    version
        Of the weights.
    day
        When they were made.
    """
    _write_graph(trained.network, path)
    schedule = trained.schedule
    manifest = Manifest(
        name=f"paper-{schedule.form}",
        version=version,
        date=day,
        licence=LICENCE,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        grid=Grid(**asdict(GRID)),
        inputs=tuple(
            Input(name=name, shape=AXES[name], unit="HU", meaning=MEANINGS[name]) for name in INPUTS
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
        training=Training(
            data="simulated scans; network and recipe of Gava et al. 2023",
            cases=schedule.cases,
            seed=schedule.seed,
            steps=schedule.steps,
            normalisation=NORMALISATION,
        ),
        metrics={},
    )
    keep_manifest(manifest, path)
    return manifest


def _write_graph(network: PaperNet, path: Path) -> None:
    side = 4 * network.multiple
    example = (torch.zeros(2, GRID.time_points, side, side), torch.zeros(2, side, side))
    slices = torch.export.Dim("slices", min=1, max=4096)
    down, across = (torch.export.Dim(f"{name}_by_multiple", min=2, max=512) for name in ("r", "c"))
    rows, columns = network.multiple * down, network.multiple * across
    program = torch.onnx.export(
        _Separate(network).eval(),
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS),
        output_names=[str(quantity) for quantity in SCALES],
        dynamic_shapes=({0: slices, 2: rows, 3: columns}, {0: slices, 1: rows, 2: columns}),
        verbose=False,
    )
    assert program is not None  # noqa: S101 -- only None for a fake export, says its signature
    path.parent.mkdir(parents=True, exist_ok=True)
    program.save(str(path), external_data=False)
