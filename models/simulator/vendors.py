"""How makers of scanners lay out a CT perfusion series: clocks, numbers, private elements.

No vendor's real perfusion headers were at hand: each profile is the hypothesis of DICOM.md
section 1 and of public readers, made so that what depends on a detail can be tested.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from pydicom.dataset import Dataset

_DATE_TIMES = ("AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime")
_CONTENT_TIMES = ("ContentDate", "ContentTime")


@dataclass(frozen=True)
class Place:
    """Which image of a scan a data set is.

    Parameters
    ----------
    frame, z
        Time point and slice, from 0.
    frames, slices
        How many there are.
    when
        Time of this image.
    began
        Time of the earliest one.
    """

    frame: int
    z: int
    frames: int
    slices: int
    when: datetime
    began: datetime

    @property
    def elapsed_s(self) -> float:
        """Time since the earliest image [s]."""
        return (self.when - self.began).total_seconds()


@dataclass(frozen=True)
class Vendor:
    """One maker's habits.

    Parameters
    ----------
    manufacturer, model, software, kernel
        What the images say of the scanner.
    image_type
        (0008,0008).
    number
        Instance Number of an image; the files are sent in its order.
    stamp
        What else the maker writes into an image, or leaves out.
    bits
        Bits stored: 12, unsigned, or 16, signed.
    series_per_frame
        Whether each time point is a series of its own. ``node.series`` looks at one series
        alone and refuses it: one time point is no perfusion.
    """

    manufacturer: str
    model: str
    software: str
    kernel: str
    image_type: tuple[str, ...]
    number: Callable[[Place], int]
    stamp: Callable[[Dataset, Place], None]
    bits: int = 16
    series_per_frame: bool = False


def by_frame(place: Place) -> int:
    """Instance Number that runs through a volume before the next time point."""
    return place.frame * place.slices + place.z + 1


def by_slice(place: Place) -> int:
    """Instance Number that runs through the time points of a slice before the next slice."""
    return place.z * place.frames + place.frame + 1


def downwards(place: Place) -> int:
    """Instance Number that runs from the vertex down, volume by volume."""
    return place.frame * place.slices + place.slices - place.z


def from_one(place: Place) -> int:
    """Instance Number that starts anew in every time point."""
    return place.z + 1


def _without(image: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if keyword in image:
            delattr(image, keyword)


def _ge(image: Dataset, place: Place) -> None:
    """Cine: no AcquisitionDateTime; MidScanTime [s] and DeltaStartTime [ms] as private elements."""
    _without(image, ("AcquisitionDateTime",))
    image.AcquisitionNumber = 1
    acquisition = image.private_block(0x0019, "GEMS_ACQU_01", create=True)
    acquisition.add_new(0x24, "DS", f"{place.elapsed_s:.6g}")
    parameters = image.private_block(0x0043, "GEMS_PARM_01", create=True)
    parameters.add_new(0x1E, "DS", f"{1000.0 * place.elapsed_s:.6g}")


def _siemens(image: Dataset, place: Place) -> None:
    """Adaptive spiral: every slice has its own AcquisitionDateTime; content is made later."""
    _without(image, _CONTENT_TIMES)
    image.ContentDate = f"{place.began:%Y%m%d}"
    image.ContentTime = f"{place.began:%H%M%S.%f}"
    coad = image.private_block(0x0019, "SIEMENS CT VA0  COAD", create=True)
    coad.add_new(0xB0, "DS", "0")


def _philips(image: Dataset, place: Place) -> None:
    """Jog: AcquisitionNumber counts slabs; the date and time of acquisition stay apart."""
    _without(image, ("AcquisitionDateTime",))
    upper = place.z >= (place.slices + 1) // 2
    image.AcquisitionNumber = 2 * place.frame + int(upper) + 1


def _canon(image: Dataset, place: Place) -> None:
    """Volume by volume: a private number and frame count for each; the date stays the start's."""
    block = image.private_block(0x7005, "TOSHIBA_MEC_CT3", create=True)
    block.add_new(0x16, "UI", f"{image.FrameOfReferenceUID}.{place.frame + 1}")
    block.add_new(0x17, "US", place.slices)
    block.add_new(0x1F, "LO", str(place.frame + 1))


def _canon_archived(image: Dataset, place: Place) -> None:
    """After an archive that keeps one time a series: only ContentTime still tells volumes apart."""
    _canon(image, place)
    _without(image, _DATE_TIMES)
    image.AcquisitionDate = f"{place.began:%Y%m%d}"
    image.AcquisitionTime = f"{place.began:%H%M%S}"


_AXIAL = ("ORIGINAL", "PRIMARY", "AXIAL")

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "ge": Vendor(
            "GE MEDICAL SYSTEMS", "Revolution CT", "revo_ct_21b", "SOFT", _AXIAL, by_slice, _ge
        ),
        "siemens": Vendor(
            "SIEMENS",
            "SOMATOM Force",
            "syngo CT VB20A",
            "Hr36f",
            (*_AXIAL, "CT_SOM5 PERF"),
            by_frame,
            _siemens,
            bits=12,
        ),
        "philips": Vendor(
            "Philips", "iCT 256", "4.1.6", "UB", _AXIAL, downwards, _philips, bits=12
        ),
        "canon": Vendor(
            "CANON_MEC_SYSTEMS", "Aquilion ONE", "V10.4", "FC41", _AXIAL, by_frame, _canon
        ),
        "canon_archived": Vendor(
            "TOSHIBA", "Aquilion ONE", "V6.0", "FC41", _AXIAL, from_one, _canon_archived
        ),
        "canon_volumes": Vendor(
            "TOSHIBA",
            "Aquilion ONE",
            "V4.9",
            "FC41",
            _AXIAL,
            from_one,
            _canon,
            series_per_frame=True,
        ),
    }
)
"""Profiles by name. ``canon_volumes`` is not recognised by ``node.series`` yet: it is refused."""
