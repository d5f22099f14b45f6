"""DICOM dates and times as seconds (PS3.5 6.2: DA, TM, DT)."""

import re
from datetime import date

_DATE = re.compile(r"(\d{4})[.]?(\d{2})[.]?(\d{2})")
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.](\d{1,6}))?)?)?")
_ZONE = re.compile(r"[+-]\d{4}$")
_EPOCH = date(1970, 1, 1).toordinal()

DAY_S = 86_400.0


def date_s(text: str) -> float | None:
    """Seconds from 1970 to the beginning of a DA; None where it is no date."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        day = date(*map(int, match.groups()))
    except ValueError:
        return None
    return (day.toordinal() - _EPOCH) * DAY_S


def time_s(text: str) -> float | None:
    """Seconds since midnight of a TM; None where it is no time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if hour > 23 or minute > 59 or second > 60:
        return None
    return hour * 3600.0 + minute * 60.0 + second + float(f"0.{match[4] or 0}")


def date_time_s(text: str) -> float | None:
    """Seconds since 1970 of a DT, its zone left out; None where it has no time of day."""
    local = _ZONE.sub("", text)
    day, time = date_s(local[:8]), time_s(local[8:])
    return None if day is None or time is None else day + time


def joined_s(day: str, time: str) -> float | None:
    """A TM on its DA in seconds since 1970, or since midnight where the date is no good."""
    seconds = time_s(time)
    return None if seconds is None else seconds + (date_s(day) or 0.0)
