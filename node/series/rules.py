"""What a site wants analysed, by what its protocols call things."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        return not any(self._unmet(header, peer))

    def unmet(self, header: Header, peer: str = "") -> tuple[str, ...]:
        """The conditions that keep such an image from matching, in words."""
        return tuple(self._unmet(header, peer))

    def __str__(self) -> str:
        """The conditions in words."""
        return ", ".join(words for words, _ in self._conditions()) or "every series"

    def _unmet(self, header: Header, peer: str) -> Iterator[str]:
        return (words for words, holds in self._conditions() if not holds(header, peer))

    def _conditions(self) -> Iterator[tuple[str, Callable[[Header, str], bool]]]:
        """Each in words, and whether it holds for an image and its peer."""
        if self.peer != "*":
            yield f'from "{self.peer}"', lambda _, peer: _like(peer, self.peer)
        for words, pattern, text_of in (
            ("description", self.description, lambda image: image.series_description),
            ("protocol", self.protocol, lambda image: image.protocol_name),
            ("image type", self.image_type, lambda image: "\\".join(image.image_type)),
        ):
            if pattern != "*":
                yield f'{words} "{pattern}"', _text_like(text_of, pattern)
        if (least := self.min_thickness_mm) is not None:
            yield f"slices of {least:g} mm or more", _thickness(lambda mm: mm >= least)
        if (most := self.max_thickness_mm) is not None:
            yield f"slices of {most:g} mm or less", _thickness(lambda mm: mm <= most)

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


@dataclass(frozen=True)
class Trial:
    """What came of trying one rule on a series.

    Parameters
    ----------
    rule
        It.
    images
        How many of the images it matches.
    unmet
        What keeps the first of the others from matching, in words.
    """

    rule: Rule
    images: int
    unmet: tuple[str, ...]


def tried(headers: Iterable[Header], rules: Sequence[Rule], peer: str = "") -> list[Trial]:
    """Each rule on a series that this peer sent; :func:`deciding_rule` says which decides."""
    images = [image for header in headers for image in headers_of(header)]
    trials = []
    for rule in rules:
        others = [image for image in images if not rule.matches(image, peer)]
        unmet = rule.unmet(others[0], peer) if others else ()
        trials.append(Trial(rule, len(images) - len(others), unmet))
    return trials


def deciding_rule(headers: Iterable[Header], rules: Sequence[Rule], peer: str = "") -> Rule | None:
    """The first rule that matches most images of a series that this peer sent; None without."""
    if not rules:
        return None
    places = Counter(_first_match(image, rules, peer) for h in headers for image in headers_of(h))
    place = places.most_common(1)[0][0] if places else None
    return None if place is None else rules[place]


def _first_match(header: Header, rules: Sequence[Rule], peer: str) -> int | None:
    return next((n for n, rule in enumerate(rules) if rule.matches(header, peer)), None)


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text.casefold(), pattern.casefold())


def _text_like(text_of: Callable[[Header], str], pattern: str) -> Callable[[Header, str], bool]:
    return lambda image, _: _like(text_of(image), pattern)


def _thickness(good: Callable[[float], bool]) -> Callable[[Header, str], bool]:
    def holds(image: Header, _: str) -> bool:
        return image.slice_thickness_mm is not None and good(image.slice_thickness_mm)

    return holds
