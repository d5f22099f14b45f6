"""The paper's networks for the node: without the vessels, which they do not look at."""

from datetime import date
from pathlib import Path

from torch import Tensor, nn

from models.export.onnx import FOLDER, Exportable, Origin, map_output, write_model
from models.network import SCALES, PaperNet
from models.training import TrainedPaper
from node.inference import Manifest, Training

PAPER_SMALL = FOLDER / "paper-small.onnx"
DATA = "simulated scans; network and recipe of Gava et al. 2023"
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
    schedule = trained.schedule
    model = Exportable(
        name=f"paper-{schedule.form}",
        network=_Separate(trained.network),
        multiple=trained.network.multiple,
        inputs=("enhancement", "baseline"),
        outputs=tuple(map_output(quantity) for quantity in SCALES),
    )
    training = Training(
        data=DATA,
        cases=schedule.cases,
        seed=schedule.seed,
        steps=schedule.steps,
        normalisation=NORMALISATION,
    )
    return write_model(model, path, Origin(version, day, training))
