"""The coded terms of the results (PS3.16; where each comes from stands beside it)."""

from pydicom.sr.coding import Code

from node.perfusion import Quantity

BRAIN = Code("12738006", "SCT", "Brain")
PERFUSION_ANALYSIS = Code("129104", "DCM", "Perfusion image analysis")  # CID 7203
PIXEL_MEAN = Code("113049", "DCM", "Pixel by pixel mean")  # CID 7203
SPATIAL_RESAMPLING = Code("113085", "DCM", "Spatial resampling")  # CID 7203
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")  # CID 7202
ACQUISITION_EQUIPMENT = Code("109101", "DCM", "Acquisition Equipment")  # CID 7005
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")  # CID 7005
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162

# CID 7151 has neither "infarct core" nor "penumbra": the segments' labels and descriptions
# carry the operational meaning, these codes the nearest standard one.
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
INFARCT = Code("55641003", "SCT", "Infarct")
ISCHEMIA = Code("52674009", "SCT", "Ischemia")

_SECOND = Code("s", "UCUM", "second")
_TERMS = {  # CID 4108; CID 7181
    Quantity.CBF: (
        Code("126390", "DCM", "Absolute Regional Blood Flow"),
        Code("ml/[100]g/min", "UCUM", "milliliter per 100 gram per minute"),
    ),
    Quantity.CBV: (
        Code("126391", "DCM", "Absolute Regional Blood Volume"),
        Code("ml/[100]g", "UCUM", "milliliter per 100 gram"),
    ),
    Quantity.MTT: (Code("113052", "DCM", "Mean Transit Time"), _SECOND),
    Quantity.TTP: (Code("113069", "DCM", "Time To Peak"), _SECOND),
    Quantity.TMAX: (Code("113084", "DCM", "Tmax"), _SECOND),
}


def quantity(of: Quantity) -> Code:
    """What the map measures."""
    return _TERMS[of][0]


def unit(of: Quantity) -> Code:
    """The map's unit, in UCUM."""
    return _TERMS[of][1]
