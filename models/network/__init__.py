"""The network: curves in, five perfusion maps out; and the paper's two, to be compared with."""

from models.network.architecture import SCALES, PerfusionNet, Prediction, Widths
from models.network.paper import PAPER_FORMS, RANGES, PaperForm, PaperNet, PaperUNet

__all__ = [
    "PAPER_FORMS",
    "RANGES",
    "SCALES",
    "PaperForm",
    "PaperNet",
    "PaperUNet",
    "PerfusionNet",
    "Prediction",
    "Widths",
]
