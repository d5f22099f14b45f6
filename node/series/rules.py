"""What a site wants analysed, by what its protocols call things."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from node.series.header import Header, headers_of


@dataclass(frozen=True)
class Rule:
    """Which series are left out or taken though derived, and what becomes of those taken.

    Parameters
    ----------
    action
        ``skip`` leaves a series out; ``analyse`` takes it, derived images too, if its content
        is a perfusion scan's; ``usual`` neither: it is as without the rule, but for the rest.
    peer
        Pattern of the AE title that sent it; a folder has none.
    description, protocol, image_type
        Patterns (``*``, ``?``) of SeriesDescription, ProtocolName and ImageType, the latter's
        values joined by a backslash; upper and lower case are the same.
    min_thickness_mm, max_thickness_mm
        SliceThickness, None where it does not matter; a series without it matches neither.
    priority
        Series of a higher one are analysed first.
    model
        The network's .onnx; None: the usual one.
    destinations, results
        Who is sent what, of what each destination wants; None: everybody, everything.
    """

    action: Literal["analyse", "skip", "usual"]
    peer: str = "*"
    description: str = "*"
    protocol: str = "*"
    image_type: str = "*"
    min_thickness_mm: float | None = None
    max_thickness_mm: float | None = None
    priority: int = 0
    model: Path | None = None
    destinations: tuple[str, ...] | None = None
    results: tuple[str, ...] | None = None

    def matches(self, header: Header, peer: str = "") -> bool:
        """Whether an image that this peer sent is of a series that the rule speaks of."""
        thickness_mm = header.slice_thickness_mm
        told = (
            (peer, self.peer),
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
                ("from", self.peer),
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

    @property
    def effects(self) -> str:
        """What becomes of a series that is analysed, in words; empty: what becomes of any."""
        words = [f"priority {self.priority}"] if self.priority else []
        if self.model is not None:
            words.append(f"by {self.model.stem}")
        if self.results is not None:
            words.append(f"of the results only {', '.join(self.results) or 'none'}")
        if self.destinations is not None:
            words.append(f"sent to {', '.join(self.destinations) or 'nobody'} only")
        return ", ".join(words)

    def share(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Who is sent what by this rule, of the kinds of results that each destination wants."""
        return {
            name: tuple(kind for kind in kinds if self.results is None or kind in self.results)
            for name, kinds in wanted.items()
            if self.destinations is None or name in self.destinations
        }

    @property
    def shares(self) -> bool:
        """Whether not everybody is sent everything."""
        return self.destinations is not None or self.results is not None


def deciding_rule(headers: Iterable[Header], rules: Sequence[Rule], peer: str = "") -> Rule | None:
    """The first rule that matches most images of a series that this peer sent; None without."""
    if not rules:
        return None
    places = Counter(_first_match(image, rules, peer) for h in headers for image in headers_of(h))
    place = places.most_common(1)[0][0] if places else None
    return None if place is None else rules[place]


def _first_match(header: Header, rules: Sequence[Rule], peer: str) -> int | None:
    return next((n for n, rule in enumerate(rules) if rule.matches(header, peer)), None)


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)
