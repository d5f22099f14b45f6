"""Colour pictures as Secondary Captures with geometry, one a slice: what everybody sees."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom import DataElement, Dataset
from pydicom.tag import Tag
from pydicom.uid import SecondaryCaptureImageStorage

from node.derived import codes
from node.derived.background import reference
from node.derived.context import MANUFACTURER, PRODUCT, Context, SeriesPlan, alike, concept
from node.derived.picture import Pictures
from node.derived.plane import column_letters, move, place, row_letters
from node.perfusion import Quantity

_PIXELS = Tag("PixelData")
MAP_PLANS = {
    q: SeriesPlan(f"colour {q}", 1 + i, f"CTP {q} [{q.meaning.unit.replace(' ', '')}]")
    for i, q in enumerate(Quantity)
}
LESION_PLAN = SeriesPlan("colour lesion", 6, "CTP core and hypoperfusion")


def secondary_captures(
    context: Context,
    plan: SeriesPlan,
    flavour: str,
    pictures: Pictures,
    background: Sequence[Dataset],
) -> list[Dataset]:
    """One Secondary Capture a slice; ``flavour`` is the last value of ImageType."""
    geometry = pictures.geometry
    made: list[Dataset] = []
    for z, (rgb, ground) in enumerate(zip(pictures.slices, background, strict=True)):
        if made:
            image = _next(made[0], context, plan, z, rgb)
            move(image, geometry, z)
        else:
            image = rgb_capture(context, plan, z + 1, rgb)
            image.ImageType = ["DERIVED", "SECONDARY", "OTHER", flavour]
            image.PatientOrientation = [row_letters(geometry)[1], column_letters(geometry)[1]]
            image.DerivationDescription = plan.description
            image.DerivationCodeSequence = [concept(codes.PERFUSION_ANALYSIS)]
            place(image, geometry, z)
        image.SourceImageSequence = [reference(ground)]
        made.append(image)
    return made


def _next(
    first: Dataset, context: Context, plan: SeriesPlan, z: int, rgb: NDArray[np.uint8]
) -> Dataset:
    """Slice ``z`` of the series that ``first`` begins: what they share is set once."""
    image = alike(first)
    context.number(image, plan, z + 1)
    image[_PIXELS] = DataElement(_PIXELS, "OB", _padded(rgb))
    return image


def rgb_capture(context: Context, plan: SeriesPlan, number: int, rgb: NDArray[np.uint8]) -> Dataset:
    """A Secondary Capture of a picture without a place in the patient (PS3.3 A.8.1)."""
    image = context.new_instance(SecondaryCaptureImageStorage, plan, number)
    equip(image, context)
    image.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    image.PatientOrientation = ""
    image.BurnedInAnnotation = "NO"  # the text names neither patient nor date (C.7.6.1.1.8)
    image.SamplesPerPixel = 3
    image.PhotometricInterpretation = "RGB"
    image.PlanarConfiguration = 0
    image.Rows, image.Columns = rgb.shape[:2]
    image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
    image.PixelRepresentation = 0
    image[_PIXELS] = DataElement(_PIXELS, "OB", _padded(rgb))
    return image


def _padded(rgb: NDArray[np.uint8]) -> bytes:
    pixels = np.ascontiguousarray(rgb).tobytes()
    return pixels + b"\0" if len(pixels) % 2 else pixels


def equip(image: Dataset, context: Context) -> None:
    """Say what made a Secondary Capture, and when (PS3.3 C.8.6.1)."""
    image.ConversionType = "WSD"
    image.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    image.SecondaryCaptureDeviceManufacturerModelName = PRODUCT
    image.SecondaryCaptureDeviceSoftwareVersions = context.software_versions
    image.DateOfSecondaryCapture = image.ContentDate
    image.TimeOfSecondaryCapture = image.ContentTime
