"""Maps as plain greyscale CT images, which any PACS can window and measure."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from node.derived import codes
from node.derived.background import reference
from node.derived.context import Context, SeriesPlan, concept
from node.derived.ct_image import ct_image
from node.perfusion import PerfusionMaps, Quantity
from node.series import Geometry

PLANS = {
    q: SeriesPlan(f"derived CT {q}", 20 + i, f"CTP {q} grey [{q.meaning.unit.replace(' ', '')}]")
    for i, q in enumerate(Quantity)
}
# Cornerstone3D (OHIF) wraps stored values round at 256 where both ends of an image's real values
# are whole numbers up to 255. This slope times a stored value never is one (DICOM.md 2.4).
SLOPE = 0.01003
_MOST = 65535  # what 16 bits hold: 657 of any unit


def derived_ct_images(
    context: Context, geometry: Geometry, maps: PerfusionMaps, background: Sequence[Dataset]
) -> Iterator[Dataset]:
    """One CT image a slice and quantity; stored value times slope is the value in its unit.

    Values are rounded to half a slope; those above 657 become 657.
    """
    for quantity, plan in PLANS.items():
        for z, (values, ground) in enumerate(zip(maps[quantity], background, strict=True)):
            stored = np.clip(np.rint(values / SLOPE), 0, _MOST).astype(np.uint16)
            image = ct_image(context, plan, geometry, z, stored)
            _explain(image, plan, quantity, stored)
            image.SourceImageSequence = [reference(ground)]
            yield image


def _explain(
    image: Dataset, plan: SeriesPlan, quantity: Quantity, stored: NDArray[np.uint16]
) -> None:
    """What the grey levels mean: viewers that show HU regardless are contradicted in words."""
    low, high = quantity.meaning.window
    image.ImageType = ["DERIVED", "SECONDARY", "AXIAL", quantity.upper()]
    image.DerivationDescription = f"{quantity.meaning.name} [{quantity.meaning.unit}], not HU"
    image.DerivationCodeSequence = [concept(codes.PERFUSION_ANALYSIS)]
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, str(SLOPE), "US"
    image.WindowCenter, image.WindowWidth = (low + high) / 2, high - low
    image.WindowCenterWidthExplanation = plan.description
    image.RealWorldValueMappingSequence = [_real_world(quantity, stored)]


def _real_world(quantity: Quantity, stored: NDArray[np.uint16]) -> Dataset:
    item = Dataset()
    item.RealWorldValueFirstValueMapped = 0
    item.RealWorldValueLastValueMapped = max(int(stored.max()), 1)
    item["RealWorldValueFirstValueMapped"].VR = "US"
    item["RealWorldValueLastValueMapped"].VR = "US"
    item.RealWorldValueIntercept, item.RealWorldValueSlope = 0.0, SLOPE
    item.LUTLabel, item.LUTExplanation = str(quantity), quantity.meaning.name
    item.MeasurementUnitsCodeSequence = [concept(codes.unit(quantity))]
    item.QuantityDefinitionSequence = [_defined(quantity)]
    return item


def _defined(quantity: Quantity) -> Dataset:
    """The quantity as a content item: (Quantity, the quantity) (PS3.3 C.7.6.16.2.11)."""
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = [concept(codes.QUANTITY)]
    item.ConceptCodeSequence = [concept(codes.quantity(quantity))]
    return item
