"""Colour pictures as Secondary Captures with geometry, one a slice: what everybody sees."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from node.derived import codes
from node.derived.background import reference
from node.derived.context import MANUFACTURER, PRODUCT, Context, SeriesPlan, concept
from node.derived.picture import Pictures
from node.derived.plane import column_letters, place, row_letters
from node.perfusion import Quantity

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
    made = []
    for z, (rgb, ground) in enumerate(zip(pictures.slices, background, strict=True)):
        image = rgb_capture(context, plan, z + 1, rgb)
        image.ImageType = ["DERIVED", "SECONDARY", "OTHER", flavour]
        place(image, geometry, z)
        image.PatientOrientation = [row_letters(geometry)[1], column_letters(geometry)[1]]
        image.SourceImageSequence = [reference(ground)]
        image.DerivationDescription = plan.description
        image.DerivationCodeSequence = [concept(codes.PERFUSION_ANALYSIS)]
        made.append(image)
    return made


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
    pixels = np.ascontiguousarray(rgb).tobytes()
    image.add_new("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2))
    return image


def equip(image: Dataset, context: Context) -> None:
    """Say what made a Secondary Capture, and when (PS3.3 C.8.6.1)."""
    image.ConversionType = "WSD"
    image.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    image.SecondaryCaptureDeviceManufacturerModelName = PRODUCT
    image.SecondaryCaptureDeviceSoftwareVersions = context.software_versions
    image.DateOfSecondaryCapture = image.ContentDate
    image.TimeOfSecondaryCapture = image.ContentTime
