"""How long files are kept, and what happens when the disk fills: a part of the sweep."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from node import log
from node.failpoint import Step, passed
from node.ports import Bin, DiskUse, Ended, Expiring, Part, Shelf
from node.settings import RetentionSettings

LOOK_S = 60.0
"""How often files that have grown old are looked for [s]; room on the disk, at every sweep."""
AT_ONCE = 10
"""Series whose files go in one sweep, so that other work is not kept waiting."""
RECORDS_AT_ONCE = 200

_LOG = log.get("retention")
_BOTH = (Part.SOURCES, Part.RESULTS)


class _Rule(NamedTuple):
    """Which parts go of series that ended so long ago."""

    look_for: Part
    parts: tuple[Part, ...]
    ended: Ended
    age: timedelta
    why: str


class Retention:
    """Deletes what may go and is old enough, or is in the way of what comes.

    Parameters
    ----------
    shelf, bin_
        The registry, which decides, and the spool, which deletes.
    settings
        The ages.
    """

    def __init__(self, shelf: Shelf, bin_: Bin, settings: RetentionSettings) -> None:
        self._shelf, self._bin, self._settings = shelf, bin_, settings
        self._looked_at: float | None = None
        self._mark = ""

    def step(self) -> None:
        """One bounded step: what a crash left first, then what is old, then what makes room.

        Raises
        ------
        RegistryUnavailableError
            If the database does not answer.
        SpoolError
            If the disk fails.
        """
        disk = self._bin.disk()
        self._tell(disk)
        for each in self._shelf.expiring():
            self._finish(each)
        if self._looked_at is None or time.monotonic() - self._looked_at >= LOOK_S:
            if self._expire_old() < AT_ONCE:  # else there is more: go on at the next sweep
                self._looked_at = time.monotonic()
            self._forget()
        if disk.low:
            self._make_room()

    def _tell(self, disk: DiskUse) -> None:
        """A mark of the disk is told once when it is passed, and once when there is room again."""
        mark = "full" if disk.full else "low" if disk.low else ""
        if mark == self._mark:
            return
        self._mark = mark
        facts = {"free_gib": round(disk.free_bytes / 2**30, 3)}
        if disk.full:
            remedy = "Free space below data_dir: senders are told to try again later."
            _LOG.error("disk_full", **facts, remedy=remedy)
        elif disk.low:
            remedy = "Free space below data_dir; finished studies expire early meanwhile."
            _LOG.warning("disk_low", **facts, remedy=remedy)
        else:
            _LOG.info("disk_recovered", **facts)

    def _expire_old(self) -> int:
        """How many series of those that are old enough lost files."""
        done = 0
        for rule in self._rules():
            before = datetime.now(UTC) - rule.age
            uids = self._shelf.expirable(rule.look_for, rule.ended, before, AT_ONCE - done)
            for uid in uids:
                done += self._expire(uid, rule.parts, rule.why)
        return done

    def _rules(self) -> Iterator[_Rule]:
        kept, failed = self._settings, self._settings.failed_days
        for part, days in ((Part.SOURCES, kept.sources_days), (Part.RESULTS, kept.results_days)):
            if days:
                yield _rule(part, (part,), Ended.FINISHED, days)
            if failed:
                yield _rule(part, _BOTH, Ended.UNFINISHED, failed)

    def _make_room(self) -> None:
        """Finished series lose everything, the oldest first, until there is room."""
        before = datetime.now(UTC) - timedelta(hours=self._settings.early_hours)
        left = AT_ONCE
        for part in _BOTH:
            for uid in self._shelf.expirable(part, Ended.FINISHED, before, left):
                if not self._bin.disk().low:
                    return
                left -= self._expire(uid, _BOTH, "little room on the disk")

    def _expire(self, uid: str, parts: tuple[Part, ...], why: str) -> bool:
        if not self._shelf.begin_expiry(uid, parts, why):
            return False
        passed(Step.EXPIRY_BEGUN)
        _LOG.info("series_expired", series_instance_uid=uid, parts=list(parts), why=why)
        for each in self._shelf.expiring():
            self._finish(each)
        return True

    def _finish(self, expiring: Expiring) -> None:
        freed = self._bin.delete(expiring.paths)
        passed(Step.FILES_DELETED)
        self._shelf.end_expiry(expiring.series_instance_uid)
        passed(Step.EXPIRED)
        _LOG.info(
            "files_deleted",
            series_instance_uid=expiring.series_instance_uid,
            files=len(expiring.paths),
            freed_mib=round(freed / 2**20, 1),
        )

    def _forget(self) -> None:
        if not self._settings.records_days:
            return
        before = datetime.now(UTC) - timedelta(days=self._settings.records_days)
        if forgotten := self._shelf.forget(before, RECORDS_AT_ONCE):
            _LOG.info("records_forgotten", series=forgotten)


def _rule(part: Part, parts: tuple[Part, ...], ended: Ended, days: float) -> _Rule:
    return _Rule(part, parts, ended, timedelta(days=days), f"ended more than {days:g} days ago")
