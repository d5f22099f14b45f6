"""The colour pictures again, a whole series in one Multi-frame True Color Secondary Capture."""

from collections.abc import Iterator, Sequence

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage

from node.derived.context import Context, SeriesPlan
from node.derived.secondary_capture import LESION_PLAN, MAP_PLANS, equip

_FIRST = 30  # in the block of series numbers
PLANS = tuple(
    SeriesPlan(f"frames of {plan.key}", _FIRST + i, plan.description.replace("CTP", "CTP frames"))
    for i, plan in enumerate((*MAP_PLANS.values(), LESION_PLAN))
)
_OF_THE_SLICES = (
    "ImageType",
    "PatientOrientation",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "DerivationDescription",
    "DerivationCodeSequence",
    "BurnedInAnnotation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)


def multi_frame_captures(
    context: Context, stacks: Sequence[Sequence[Dataset]]
) -> Iterator[Dataset]:
    """One instance for each series of pictures (PS3.3 A.8.5), of the very same pixels.

    Parameters
    ----------
    context
        Whose results.
    stacks
        The single-frame Secondary Captures of each series, slices ascending, in the order of
        the plans.
    """
    for plan, stack in zip(PLANS, stacks, strict=True):
        yield _joined(context, plan, stack)


def _joined(context: Context, plan: SeriesPlan, stack: Sequence[Dataset]) -> Dataset:
    image = context.new_instance(MultiFrameTrueColorSecondaryCaptureImageStorage, plan, 1)
    equip(image, context)
    for keyword in _OF_THE_SLICES:
        image[keyword] = stack[0][keyword]
    image.SourceImageSequence = [item for one in stack for item in one.SourceImageSequence]
    image.NumberOfFrames = len(stack)
    if len(stack) > 1:
        image.FrameIncrementPointer = tag_for_keyword("SliceLocationVector")
        image.SliceLocationVector = [float(one.SliceLocation) for one in stack]
    _place(image, stack)
    size = int(image.Rows) * int(image.Columns) * int(image.SamplesPerPixel)
    pixels = b"".join(one.PixelData[:size] for one in stack)
    image.add_new("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2))
    return image


def _place(image: Dataset, stack: Sequence[Dataset]) -> None:
    """Where each frame lies: the functional groups that this class has (PS3.3 A.8.5.4)."""
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    for keyword in ("PixelSpacing", "SliceThickness"):
        measures[keyword] = stack[0][keyword]
    orientation["ImageOrientationPatient"] = stack[0]["ImageOrientationPatient"]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = [_frame(one) for one in stack]


def _frame(one: Dataset) -> Dataset:
    position, frame = Dataset(), Dataset()
    position["ImagePositionPatient"] = one["ImagePositionPatient"]
    frame.PlanePositionSequence = [position]
    return frame
