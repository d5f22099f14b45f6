"""The science: a scan in, the network's input and the lesion out; no DICOM, no network."""

from node.perfusion.dynamic import DynamicCt
from node.perfusion.lesion import Lesion, LesionThresholds, find_lesion
from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import ModelGrid, ModelInput
from node.perfusion.preparation import prepare
from node.perfusion.quality import Grade, QualityFlag, assess
from node.perfusion.quantities import Quantity
from node.perfusion.restoration import onto_model, restore

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
    "assess",
    "find_lesion",
    "onto_model",
    "prepare",
    "restore",
]
