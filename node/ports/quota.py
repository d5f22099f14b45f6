"""How large one series may become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.settings import ScpSettings

_GIB = 2**30


@dataclass(frozen=True)
class Quota:
    """The most of one series that is received: ``images`` and ``size_bytes``."""

    images: int
    size_bytes: int

    @classmethod
    def of(cls, settings: ScpSettings) -> Quota:
        """What the settings allow."""
        return cls(settings.max_series_images, int(settings.max_series_gib * _GIB))

    def exceeded(self, images: int, size_bytes: int) -> str:
        """What of a series of so many images and bytes is too much, in words; else empty."""
        if images > self.images:
            return f"it has more than {self.images:,} images"
        if size_bytes > self.size_bytes:
            return f"its images take more than {self.size_bytes / _GIB:.3g} GiB"
        return ""
