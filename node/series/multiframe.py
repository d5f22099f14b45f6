"""The frames of an Enhanced CT, each read as if it were an image of its own.

Enhanced and Legacy Converted Enhanced CT (PS3.3 A.38, A.70) keep in functional groups, shared or
one a frame, what a classic CT image has in its data set; the attributes are mostly the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from node.series.elements import Elements
from node.series.private import DELTA_START_TIME, MID_SCAN_TIME, Tag

SHARED, PER_FRAME = 0x52009229, 0x52009230
FUNCTIONAL_GROUPS = (SHARED, PER_FRAME)

FRAME_TYPE = 0x00089007
FRAME_ACQUISITION_DATE_TIME, FRAME_REFERENCE_DATE_TIME = 0x00189074, 0x00189151
STACK_ID, TEMPORAL_POSITION_INDEX = 0x00209056, 0x00209128
TEMPORAL_POSITION_TIME_OFFSET = 0x0020930D

# The macros of PS3.3 C.7.6.16.2 and C.8.15.3 that are read, in the order of growing trust: what
# a converter could not assign, then what the standard assigns.
_GROUPS = (
    0x00209170,  # Unassigned Shared Converted Attributes
    0x00209171,  # Unassigned Per-Frame Converted Attributes
    0x00209111,  # Frame Content
    0x00209113,  # Plane Position
    0x00209116,  # Plane Orientation
    0x00209310,  # Temporal Position
    0x00189314,  # CT Reconstruction
    0x00189329,  # CT Image Frame Type
    0x00289110,  # Pixel Measures
    0x00289145,  # Pixel Value Transformation
)
# What may differ from frame to frame; all else, the layout of the pixels above all, is the
# instance's alone.
_OF_A_FRAME: frozenset[Tag] = frozenset(
    {
        *(FRAME_TYPE, FRAME_ACQUISITION_DATE_TIME, FRAME_REFERENCE_DATE_TIME),
        *(STACK_ID, TEMPORAL_POSITION_INDEX, TEMPORAL_POSITION_TIME_OFFSET),
        *(0x0008002A, 0x00080022, 0x00080032, 0x00080023, 0x00080033),  # classic clocks
        *(0x00181060, 0x00541300),  # TriggerTime, FrameReferenceTime
        *(MID_SCAN_TIME, DELTA_START_TIME),
        *(0x00200032, 0x00200037, 0x00280030, 0x00180050, 0x00181210),  # where and how
        *(0x00281052, 0x00281053),  # RescaleIntercept, RescaleSlope
    }
)


def frames_of(elements: Elements) -> list[Elements]:
    """The elements of every frame, those of its instance included; none without frames.

    Parameters
    ----------
    elements
        With :data:`FUNCTIONAL_GROUPS` among those read.

    Raises
    ------
    InstanceUnreadableError
        If the functional groups are damaged.
    """
    shared = _flat(elements.items(SHARED)[:1])
    return [
        replace(elements, raw={**elements.raw, **shared, **_flat([frame])}, sequences={})
        for frame in elements.items(PER_FRAME)
    ]


def _flat(groups: Iterable[Elements]) -> dict[Tag, bytes]:
    """The attributes of a frame that its functional groups hold, by tag."""
    flat: dict[Tag, bytes] = {}
    for group in groups:
        for macro in _GROUPS:
            for item in group.items(macro)[:1]:
                flat |= {tag: value for tag, value in item.raw.items() if tag in _OF_A_FRAME}
    return flat
