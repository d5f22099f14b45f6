"""What is the matter with the node now, as alerts: each with what to do about it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from node import tls
from node.errors import SettingsError
from node.ports import Alert, DiskUse, SeriesQuery, SeriesRecord, SeriesState
from node.settings import Settings
from node.wiring import Node

_UNDER_WAY = (
    SeriesState.RECEIVING,
    SeriesState.COMPLETE,
    SeriesState.ANALYSING,
    SeriesState.READY,
    SeriesState.DELIVERING,
)
_MOST = 200
_WORKER_SILENT = timedelta(seconds=90)
_CERTIFICATE_ENDS = timedelta(days=30)
_GIB = 2**30


def troubles(node: Node, now: datetime) -> Iterator[Alert]:
    """Everything that a person should see to, without a patient's data."""
    yield from _disk(node.spool.disk())
    yield from _workers(node, now)
    yield from _series(node, now)
    yield from _canary(node, now)
    yield from _certificates(node.settings, now)


def _disk(disk: DiskUse) -> Iterator[Alert]:
    free = f"{disk.free_bytes / _GIB:.1f} GiB free below data_dir"
    remedy = "Free disk space, or keep files for less long: [retention]."
    if disk.full:
        yield Alert("disk full", f"Nothing is received: {free}", remedy)
    elif disk.low:
        yield Alert("disk low", f"Little room on the disk: {free}", remedy)


def _workers(node: Node, now: datetime) -> Iterator[Alert]:
    alive = [w for w in node.registry.workers() if now - w.seen_at < _WORKER_SILENT]
    for queue in ("analyse", "deliver"):
        if not any(queue in worker.queues for worker in alive):
            remedy = (
                f"Start one: perfusion-node worker --queues {queue}; look at the last one's log."
            )
            yield Alert(f"worker {queue}", f"No worker is there to {queue}", remedy)


def _series(node: Node, now: datetime) -> Iterator[Alert]:
    named = _naming(node.settings)
    failed = SeriesQuery(states=(SeriesState.FAILED,), limit=_MOST)
    for record in node.registry.find(failed).records:
        why = record.reason.found if record.reason else "no reason is given"
        remedy = record.reason.remedy if record.reason else "See its history."
        yield Alert(
            f"failed {record.series_instance_uid}", f"{named(record)} failed: {why}", remedy
        )
    late = timedelta(minutes=node.settings.alerts.waiting_minutes)
    for record in node.registry.find(SeriesQuery(states=_UNDER_WAY, limit=_MOST)).records:
        waited = now - record.received_last_at
        if waited > late:
            minutes = f"{waited.total_seconds() / 60:.0f} min"
            found = f"{named(record)} waits for its maps since {minutes}; it is {record.state}"
            if record.waiting_for:
                found = f"{found} and waits for {record.waiting_for}"
            remedy = "See it with: perfusion-node show ID; try destinations: perfusion-node echo"
            yield Alert(f"waiting {record.series_instance_uid}", found, remedy)


def _naming(settings: Settings) -> Callable[[SeriesRecord], str]:
    """How a series is called: by the end of its UID, which the commands understand."""

    def named(record: SeriesRecord) -> str:
        uid = record.series_instance_uid
        return f"Series {uid}" if settings.alerts.study_uids else f"Series ...{uid[-10:]}"

    return named


def _canary(node: Node, now: datetime) -> Iterator[Alert]:
    ended = [run for run in node.registry.canaries(2) if run.good is not None]
    last = ended[0] if ended else None
    if last is not None and not last.good:
        remedy = "Try it again with: perfusion-node canary; then look at the workers' log."
        yield Alert("canary", f"The canary failed: {last.found}", remedy)
    every_hours = node.settings.canary.every_hours
    if every_hours and last is not None and now - last.begun_at > 3 * timedelta(hours=every_hours):
        hours = (now - last.begun_at).total_seconds() / 3600
        found = f"No canary came to its end for {hours:.0f} h"
        yield Alert("canary late", found, "See that a deliver worker runs, and its log.")


def _certificates(settings: Settings, now: datetime) -> Iterator[Alert]:
    for key, path in tls.certificates(settings):
        try:
            end = tls.expiry(path)
        except SettingsError as fault:
            yield Alert(f"certificate {path}", f"{key}: {fault}", fault.remedy)
            continue
        if end - now < _CERTIFICATE_ENDS:
            found = f"{key}: {path} ends on {end:%Y-%m-%d}"
            yield Alert(
                f"certificate {path}", found, "Have it renewed; it is read again by itself."
            )


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
