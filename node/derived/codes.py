"""The coded terms of the results (PS3.16; where each comes from stands beside it)."""

from pydicom.sr.coding import Code

from node.perfusion import Grade, QualityCheck, Quantity

# PS3.3 C.12.1.1.1 and PS3.16 8.2: what begins with 99 is a local scheme, which every object
# that uses it identifies.
SCHEME = "99PERFNODE"
SCHEME_NAME = "Perfusion Node: findings, measurements and flags of CT perfusion"

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
PENUMBRA = Code("PENUMBRA", SCHEME, "Penumbra: hypoperfusion without the core")

PERFUSION_CT = Code("39142-5", "LN", "CT perfusion head with contrast IV")  # CID 100
ENGLISH = Code("en", "RFC5646", "English")  # CID 5000
REJECTED_FOR_QUALITY = Code("113001", "DCM", "Rejected for Quality Reasons")  # CID 7010
REJECTED_FOR_SAFETY = Code("113037", "DCM", "Rejected for Patient Safety Reasons")  # CID 7010
DEVICE = Code("121007", "DCM", "Device")  # CID 270
SOURCE = Code("260753009", "SCT", "Source")
NORMAL = Code("17621005", "SCT", "Normal")  # CID 222
NONE = Code("260413007", "SCT", "None")
COMMENT = Code("121106", "DCM", "Comment")  # CID 12101
SERIES = Code("112002", "DCM", "Series Instance UID")
EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")  # TID 1500
QUALITY_FLAGS = Code("QUALITY_FLAGS", SCHEME, "Quality flags")
OK = Code("OK", SCHEME, "Within its limits")
CAUTION = Code("CAUTION", SCHEME, "Caution")
FAIL = Code("FAIL", SCHEME, "Do not rely on these maps")

VOLUME = Code("118565006", "SCT", "Volume")  # CID 7469
VOXELS_SUMMED = Code("126030", "DCM", "Sum of segmented voxel method for volume")  # CID 7474
QUANTITY = Code("246205007", "SCT", "Quantity")  # PS3.3 C.7.6.16.2.11
MEAN = Code("373098007", "SCT", "Mean")  # CID 7464
UNCERTAINTY_ABOVE = Code("371886008", "SCT", "+, range of upper measurement uncertainty")  # CID 225
UNCERTAINTY_BELOW = Code("371885007", "SCT", "-, range of lower measurement uncertainty")  # CID 225
MISMATCH_RATIO = Code("MISMATCH_RATIO", SCHEME, "Mismatch ratio: hypoperfusion by core")
INTENSITY_RATIO = Code("HIR", SCHEME, "Hypoperfusion intensity ratio")
MILLILITER = Code("ml", "UCUM", "milliliter")
RATIO = Code("{ratio}", "UCUM", "ratio")  # CID 7181

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


def tmax_above(limit_s: float) -> Code:
    """Volume of tissue with Tmax above a limit."""
    return Code(f"TMAX_ABOVE_{limit_s:g}_S", SCHEME, f"Volume with Tmax > {limit_s:g} s")


def cbf_below(fraction: float) -> Code:
    """Volume inside the hypoperfusion with CBF below a fraction of normal."""
    percent = f"{100 * fraction:g}"
    return Code(f"CBF_BELOW_{percent}_PCT", SCHEME, f"Volume with CBF < {percent} % of normal")


def check(of: QualityCheck) -> Code:
    """A check of quality by its own code."""
    return Code(of.code, SCHEME, of.code.replace("_", " ").capitalize())


def grade(of: Grade) -> Code:
    """What a check came to."""
    return {Grade.OK: OK, Grade.CAUTION: CAUTION, Grade.FAIL: FAIL}[of]
