"""An instance that is kept and not yet recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from node.ports import Kept, Quota, SeriesState
from node.registry.rows import Row, storable
from node.series import Header


class Growing(NamedTuple):
    """What the next image of a series needs to know of its row."""

    id: int
    state: str
    expiring: bool
    instances: int
    ignored: int
    conflicts: int
    size_bytes: int
    asked_images: int
    asked_bytes: int


@dataclass(frozen=True)
class Arrival:
    """What came in, from whom, and how large its series may become."""

    header: Header
    kept: Kept
    calling_ae_title: str
    ignored: bool
    quota: Quota | None = None

    def new_series(self, now: datetime) -> dict[str, Any]:
        """The row of a series that begins with this."""
        state = SeriesState.IGNORED if self.ignored else SeriesState.RECEIVING
        return {
            "series_instance_uid": self.header.series_instance_uid,
            "study_instance_uid": self.header.study_instance_uid,
            "modality": storable(self.header.modality),
            "description": storable(self.header.series_description),
            "calling_ae_title": storable(self.calling_ae_title),
            "state": state,
            "revision": 1,
            "instances": 0,
            "ignored": 0,
            "conflicts": 0,
            "received_first_at": now,
            "received_last_at": now,
            "ended_at": now if self.ignored else None,
            "looked_instances": 0,
            "content_complete": False,
            "missing": "",
            "attempts": 0,
            "waiting_for": "" if self.ignored else "more images",
            "summary": {},
            "flags": [],
            "checks": [],
            "stages_s": {},
            "size_bytes": 0,
            "asked_images": 0,
            "asked_bytes": 0,
            "expiring": False,
            "priority": 0,
        }

    def too_much_of(self, row: Row | Growing) -> str:
        """What of a series is too much if it takes this in, or what it turned away before."""
        if self.quota is None:
            return ""
        images, size = self.asked_of(row)
        return self.quota.exceeded(max(images, row.asked_images), max(size, row.asked_bytes))

    def asked_of(self, row: Row | Growing) -> tuple[int, int]:
        """Images and bytes that a series would have with this one."""
        images = row.instances + row.ignored + row.conflicts + self.header.images
        return images, row.size_bytes + self.kept.size
