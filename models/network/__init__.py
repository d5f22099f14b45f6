"""The network: curves in, five perfusion maps out."""

from models.network.architecture import SCALES, PerfusionNet, Widths

__all__ = ["SCALES", "PerfusionNet", "Widths"]
