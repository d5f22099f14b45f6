"""What every CT image of the results has: place, acquisition, 16 bits of grey (PS3.3 A.3)."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from node.derived.context import Context, SeriesPlan
from node.derived.plane import place
from node.series import Geometry

_ACQUISITION = ("KVP", "AcquisitionNumber", "PatientPosition")  # Type 2 of the CT image
_OPTIONAL = (
    "AcquisitionDate",
    "AcquisitionTime",
    "ConvolutionKernel",
    "DataCollectionDiameter",
    "GantryDetectorTilt",
)


def ct_image(
    context: Context,
    plan: SeriesPlan,
    geometry: Geometry,
    z: int,
    stored: NDArray[np.int16] | NDArray[np.uint16],
) -> Dataset:
    """Slice ``z`` as a CT image; what the stored values mean is the caller's to add.

    Parameters
    ----------
    context, plan
        Whose results, and which series.
    geometry
        Where the slices lie.
    z
        Which of them; it is instance ``z + 1``.
    stored
        (rows, columns) pixel values, signed or unsigned.
    """
    image = context.new_instance(CTImageStorage, plan, z + 1)
    place(image, geometry, z)
    for keyword in _ACQUISITION:
        setattr(image, keyword, context.source.get(keyword, ""))
    for keyword in _OPTIONAL:
        if context.source.get(keyword) not in (None, ""):
            setattr(image, keyword, context.source.get(keyword))
    image.BurnedInAnnotation = "NO"
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelRepresentation = int(np.issubdtype(stored.dtype, np.signedinteger))
    image.add_new("PixelData", "OW", stored.astype(stored.dtype.newbyteorder("<")).tobytes())
    return image
