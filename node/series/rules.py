"""What a site wants analysed, by what its protocols call things."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from node.series.header import Header, headers_of


@dataclass(frozen=True)
class Rule:
    """Which series are left out, or taken though their images are derived.

    Parameters
    ----------
    action
        ``skip`` leaves a series out; ``analyse`` takes it, derived images too, if its content
        is a perfusion scan's.
    description, protocol, image_type
        Patterns (``*``, ``?``) of SeriesDescription, ProtocolName and ImageType, the latter's
        values joined by a backslash; upper and lower case are the same.
    min_thickness_mm, max_thickness_mm
        SliceThickness, None where it does not matter; a series without it matches neither.
    """

    action: Literal["analyse", "skip"]
    description: str = "*"
    protocol: str = "*"
    image_type: str = "*"
    min_thickness_mm: float | None = None
    max_thickness_mm: float | None = None

    def matches(self, header: Header) -> bool:
        """Whether an image is of a series that the rule speaks of."""
        thickness_mm = header.slice_thickness_mm
        told = (
            (header.series_description, self.description),
            (header.protocol_name, self.protocol),
            ("\\".join(header.image_type), self.image_type),
        )
        return all(fnmatchcase(text.casefold(), p.casefold()) for text, p in told) and (
            _within(thickness_mm, self.min_thickness_mm, self.max_thickness_mm)
        )

    def __str__(self) -> str:
        """The conditions in words."""
        words = [
            f'{name} "{pattern}"'
            for name, pattern in (
                ("description", self.description),
                ("protocol", self.protocol),
                ("image type", self.image_type),
            )
            if pattern != "*"
        ]
        if self.min_thickness_mm is not None:
            words.append(f"slices of {self.min_thickness_mm:g} mm or more")
        if self.max_thickness_mm is not None:
            words.append(f"slices of {self.max_thickness_mm:g} mm or less")
        return ", ".join(words) or "every series"


def deciding_rule(headers: Iterable[Header], rules: Sequence[Rule]) -> int | None:
    """The place of the first rule that matches most images of a series; None without one."""
    if not rules:
        return None
    places = Counter(_first_match(image, rules) for h in headers for image in headers_of(h))
    return places.most_common(1)[0][0] if places else None


def _first_match(header: Header, rules: Sequence[Rule]) -> int | None:
    return next((n for n, rule in enumerate(rules) if rule.matches(header)), None)


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)
