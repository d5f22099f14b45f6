"""Whose scan it is, when and where it was made: in words, as the source has them."""

import re
import unicodedata

from pydicom import Dataset
from pydicom.multival import MultiValue

from node.derived.typeface import is_drawable
from node.series import CtpSeries

UNDRAWABLE = "(letters this page cannot draw: see the viewer)"
UNDRAWABLE_NAME = "(name in letters this page cannot draw)"
UNKNOWN = "–"


def patient(source: Dataset) -> tuple[str, ...]:
    """Name; ID; birth date, sex and age."""
    born = f"born {date(value(source, 'PatientBirthDate'))}"
    person = (born, _sex(value(source, "PatientSex")), _age(value(source, "PatientAge")))
    return name(source), f"ID {value(source, 'PatientID') or UNKNOWN}", _joined(person)


def study(source: Dataset) -> tuple[str, ...]:
    """Accession number; date and time of the study; its description; the institution."""
    when = _moment(value(source, "StudyDate"), value(source, "StudyTime"))
    return tuple(
        line
        for line in (
            f"Accession {value(source, 'AccessionNumber') or UNKNOWN}",
            f"Study of {when}",
            value(source, "StudyDescription"),
            value(source, "InstitutionName"),
        )
        if line
    )


def scan(source: Dataset, series: CtpSeries) -> tuple[str, ...]:
    """Series and scanner; when the scan began; its times and slices."""
    number = value(source, "SeriesNumber")
    named = (f"Series {number}" if number else "", value(source, "SeriesDescription"))
    scanner = (value(source, "Manufacturer"), value(source, "ManufacturerModelName"))
    frames, slices = series.time_s.shape
    lasted_s = float(series.time_s.max() - series.time_s.min())
    apart_mm = series.geometry.spacing_mm[0]
    covered = f"{slices} slices, {apart_mm:.1f} mm apart" if slices > 1 else "1 slice"
    dose = [f"{value(source, k)} {u}" for k, u in _TUBE.items() if value(source, k)]
    return (
        _joined(named) or UNKNOWN,
        _joined((" ".join(s for s in scanner if s), *dose)) or UNKNOWN,
        f"Scan of {_began(source)}",
        f"{frames} time points in {lasted_s:.0f} s, {covered}",
    )


_TUBE = {"KVP": "kV", "XRayTubeCurrent": "mA"}


def name(source: Dataset) -> str:
    """The patient's name in those of its writings that the page can draw.

    A person name has up to three writings: in letters, in ideographs, by sound (PS3.5 6.2.1).
    The third only says how the second is read, and stands for want of the others.
    """
    written = str(source.get("PatientName") or "")
    writings = [_person(each) for each in written.split("=")]
    drawn = [w for w in writings if w and is_drawable(w)]
    shown = [w for w in writings[:2] if w in drawn] or drawn[:1]
    return "  ".join(shown) or (UNDRAWABLE_NAME if any(writings) else UNKNOWN)


def value(source: Dataset, keyword: str) -> str:
    """An attribute's text in one line; empty where it is absent."""
    found = source.get(keyword)
    many = found if isinstance(found, MultiValue) else [found]
    return drawable(", ".join(str(one) for one in many if one is not None))


def drawable(text: str) -> str:
    """The text in composed letters and one line, or what stands for what cannot be drawn."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    return line if is_drawable(line) else UNDRAWABLE


def date(text: str) -> str:
    """A DICOM date as people in every country read it; anything else as it stands."""
    return re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", text) or UNKNOWN


def _time(text: str) -> str:
    return re.sub(r"^(\d\d)(\d\d)(\d\d)?.*$", _clock, text)


def _clock(found: re.Match[str]) -> str:
    return ":".join(part for part in found.groups() if part)


def _moment(day: str, time: str) -> str:
    return " ".join((date(day), _time(time))).strip()


def _began(source: Dataset) -> str:
    """When the source image was acquired."""
    both = value(source, "AcquisitionDateTime")
    if both:
        return _moment(both[:8], both[8:])
    return _moment(value(source, "AcquisitionDate"), value(source, "AcquisitionTime"))


def _sex(text: str) -> str:
    return {"M": "male", "F": "female", "O": "other"}.get(text, text)


def _age(text: str) -> str:
    """An Age String (PS3.5 6.2) in words."""
    units = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}
    found = re.match(r"^(\d{3})([DWMY])$", text)
    return f"{int(found[1])} {units[found[2]]}" if found else text


def _person(writing: str) -> str:
    """Family name, then the given ones; prefix before, suffix after."""
    parts = [" ".join(unicodedata.normalize("NFC", p).split()) for p in writing.split("^")]
    family, given, middle, prefix, suffix = (*parts, *[""] * 5)[:5]
    others = " ".join(p for p in (prefix, given, middle) if p)
    return _joined((family, others, suffix))


def _joined(parts: tuple[str, ...]) -> str:
    return ", ".join(p for p in parts if p)
