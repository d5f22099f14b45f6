"""The project's network for the node: maps, their uncertainty, and where parenchyma is."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from torch import Tensor, nn

from models.export.onnx import (
    AXES,
    FOLDER,
    MAP_AXES,
    Exportable,
    Origin,
    map_output,
    write_model,
)
from models.network import SCALES, PerfusionNet
from node.inference import Manifest, Output
from node.perfusion import Quantity

NAME = "perfusion-unet"
WEIGHTS = FOLDER / "perfusion.onnx"
NORMALISATION = (
    "inside the graph: enhancement and vessel curves over the vein's peak; "
    "baseline clipped to -20..80 HU"
)
CERTAIN: Mapping[Quantity, float] = MappingProxyType({})


class _Separate(nn.Module):
    """The network with one output a map, as the manifest names them."""

    def __init__(self, network: PerfusionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, enhancement: Tensor, baseline: Tensor, vessels: Tensor) -> tuple[Tensor, ...]:
        found = self.network(enhancement, baseline, vessels)
        return *found.maps.unbind(1), *found.doubts.unbind(1), found.parenchyma.sigmoid()


def export_network(
    network: PerfusionNet,
    path: Path,
    origin: Origin,
    calibration: Mapping[Quantity, float] = CERTAIN,
) -> Manifest:
    """Write the network as ONNX, its manifest beside it; slices, rows and columns may vary.

    Parameters
    ----------
    network
        In evaluation mode or not: it is exported as for evaluation.
    path
        The .onnx file; weights lie inside it.
    origin
        What is to be said of the weights.
    calibration
        What the network's uncertainty of a quantity is multiplied with; 1 where it is absent.
    """
    model = Exportable(
        name=NAME,
        network=_Separate(network),
        multiple=network.multiple,
        inputs=tuple(AXES),
        outputs=(
            *(map_output(quantity) for quantity in SCALES),
            *(_uncertainty(quantity, calibration.get(quantity, 1.0)) for quantity in SCALES),
            Output(name="parenchyma", kind="parenchyma", shape=MAP_AXES, unit="1", scale=1.0),
        ),
        reach_slices=network.reach,
        denoised=True,
    )
    return write_model(model, path, origin)


def _uncertainty(quantity: Quantity, scale: float) -> Output:
    """How wrong a quantity's map may be."""
    return Output(
        name=f"{quantity}_uncertainty",
        kind="uncertainty",
        quantity=quantity,
        shape=MAP_AXES,
        unit=quantity.meaning.unit,
        scale=scale,
    )
