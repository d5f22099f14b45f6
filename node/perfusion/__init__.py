"""The science: a scan in, the network's input and the lesion out; no DICOM, no network."""

from node.perfusion.agreement import MIN_PAIRS, Limits, correlation, dice, limits
from node.perfusion.arterial import find_inputs
from node.perfusion.box_model import BoxRegression
from node.perfusion.check import (
    Grade,
    QualityCheck,
    Reading,
    caution_if,
    gravest_first,
    raised,
)
from node.perfusion.courses import TimeCourses, time_courses
from node.perfusion.crosscheck import CrossCheck, cross_check
from node.perfusion.deconvolution import METHODS, Deconvolved, deconvolve, estimate, find_tissue
from node.perfusion.denoising import averaged_alike, noise_hu, tolerance_hu
from node.perfusion.dynamic import DynamicCt
from node.perfusion.enhancement import baseline_weights
from node.perfusion.familiarity import FEATURES, Seen, features, unfamiliar
from node.perfusion.findings import Findings
from node.perfusion.gaps import fill
from node.perfusion.input_functions import ArterialInput, InputFunctions, VesselCurve
from node.perfusion.lesion import (
    Lesion,
    LesionThresholds,
    VolumeRange,
    find_lesion,
    parenchyma,
)
from node.perfusion.maps import Estimator, PerfusionMaps
from node.perfusion.model_input import LEAD_S, ModelGrid, ModelInput
from node.perfusion.motion import Corrected, Motion, correct_motion
from node.perfusion.preparation import prepare
from node.perfusion.quality import assess, of_coverage, of_missing, of_sampling
from node.perfusion.quantities import Quantity
from node.perfusion.restoration import onto_model, restore
from node.perfusion.sampling import Clock
from node.perfusion.solution import Method
from node.perfusion.svd import BlockCirculantSvd, OscillationSvd, StandardSvd
from node.perfusion.timing import averaging_weights
from node.perfusion.tissue import Tissue
from node.perfusion.trust import disagreement, unsettled

__all__ = [
    "FEATURES",
    "LEAD_S",
    "METHODS",
    "MIN_PAIRS",
    "ArterialInput",
    "BlockCirculantSvd",
    "BoxRegression",
    "Clock",
    "Corrected",
    "CrossCheck",
    "Deconvolved",
    "DynamicCt",
    "Estimator",
    "Findings",
    "Grade",
    "InputFunctions",
    "Lesion",
    "LesionThresholds",
    "Limits",
    "Method",
    "ModelGrid",
    "ModelInput",
    "Motion",
    "OscillationSvd",
    "PerfusionMaps",
    "QualityCheck",
    "Quantity",
    "Reading",
    "Seen",
    "StandardSvd",
    "TimeCourses",
    "Tissue",
    "VesselCurve",
    "VolumeRange",
    "assess",
    "averaged_alike",
    "averaging_weights",
    "baseline_weights",
    "caution_if",
    "correct_motion",
    "correlation",
    "cross_check",
    "deconvolve",
    "dice",
    "disagreement",
    "estimate",
    "features",
    "fill",
    "find_inputs",
    "find_lesion",
    "find_tissue",
    "gravest_first",
    "limits",
    "noise_hu",
    "of_coverage",
    "of_missing",
    "of_sampling",
    "onto_model",
    "parenchyma",
    "prepare",
    "raised",
    "restore",
    "time_courses",
    "tolerance_hu",
    "unfamiliar",
    "unsettled",
]
