"""The science: a scan in, the network's input and the lesion out; no DICOM, no network."""

from node.perfusion.dynamic import DynamicCt
from node.perfusion.lesion import Lesion, LesionThresholds
from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import ModelGrid, ModelInput
from node.perfusion.quality import Grade, QualityFlag
from node.perfusion.quantities import Quantity

__all__ = [
    "DynamicCt",
    "Estimator",
    "Grade",
    "Lesion",
    "LesionThresholds",
    "ModelGrid",
    "ModelInput",
    "PerfusionMaps",
    "QualityFlag",
    "Quantity",
]
