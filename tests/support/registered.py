"""Series brought to a given state in a registry, step by step as the node does it."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from node.ports import (
    CheckRecord,
    CommitmentReply,
    CommitmentRequest,
    DeliveryOutcome,
    DeliveryState,
    DueDelivery,
    Kept,
    Lease,
    Outcome,
    ReadingRecord,
    Reason,
    Recorded,
    Replied,
    ResultRecord,
    SeriesState,
    Wake,
)
from node.registry import Registry
from node.series import Header

SERIES = "1.2.3.4"
DATA_DIR = Path("/")
"""What ``kept()`` and ``outcome()`` name lies in ``/spool``."""
WANTED: Mapping[str, Sequence[str]] = {"pacs": ("colour",)}
REFUSED = Reason("too_short", "the series covers 12 s", "Send at least 30 s.")


def now(after_s: float = 0.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=after_s)


def header(number: int = 1, series: str = SERIES, study: str = "1.2") -> Header:
    return Header(
        sop_class_uid=CTImageStorage,
        sop_instance_uid=f"{series}.{number}",
        study_instance_uid=study,
        series_instance_uid=series,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        modality="CT",
        image_type=("ORIGINAL", "PRIMARY"),
        position_mm=(0.0, 1.0, 2.0),
        series_description="CTP 5.0",
        times_s=(("AcquisitionTime", 1.5), ("ContentTime", 2.5)),
    )


def kept(content: str = "first") -> Kept:
    return Kept(Path(f"/spool/{content}.dcm"), hashlib.sha256(content.encode()).hexdigest(), 7)


def receive(
    registry: Registry,
    number: int = 1,
    series: str = SERIES,
    content: str = "first",
    *,
    ignored: bool = False,
) -> Recorded:
    return registry.record(
        header(number, series), kept(content), calling_ae_title="CT1", ignored=ignored
    )


def complete(registry: Registry, series: str = SERIES) -> None:
    receive(registry, series=series)
    seen = next(r for r in registry.receiving() if r.series_instance_uid == series)
    assert registry.complete(seen, now=now(), note="whole")


def lease(
    registry: Registry, queue: str = "analyse", owner: str = "a", series: str = SERIES
) -> Lease:
    taken = registry.lease(Wake(queue, series), owner, now=now(), until=now(60))
    assert taken is not None
    return taken


CHECK = CheckRecord(
    "no_vein",
    "caution",
    "no vein fills",
    (ReadingRecord("the vein's lag", None, "s", "none", "at least 2 s"),),
)


def outcome(revision: int = 1, objects: int = 2, reason: Reason | None = None) -> Outcome:
    results = tuple(
        ResultRecord(
            sop_instance_uid=f"2.25.{revision}.{i}",
            sop_class_uid=CTImageStorage,
            series_instance_uid=f"2.25.{revision}",
            kind="colour",
            description="CBF",
            path=Path(f"/spool/{revision}.{i}.dcm"),
            revision=revision,
        )
        for i in range(objects)
    )
    return Outcome(results, reason, {"core_ml": 1.5}, checks=(CHECK,), stages_s={"predict": 0.5})


def ready(registry: Registry, wanted: Mapping[str, Sequence[str]] = WANTED) -> None:
    complete(registry)
    finish(registry, wanted=wanted)


def finish(
    registry: Registry,
    wanted: Mapping[str, Sequence[str]] = WANTED,
    reason: Reason | None = None,
) -> SeriesState:
    taken = lease(registry)
    made = outcome(taken.revision, reason=reason)
    return registry.finish(taken, made, destinations=wanted, now=now())


def stored(due: DueDelivery) -> DeliveryOutcome:
    """A destination has taken an object."""
    return DeliveryOutcome(due.sop_instance_uid, due.destination, DeliveryState.STORED, 0, "")


def answer_all(
    registry: Registry,
    state: DeliveryState = DeliveryState.STORED,
    status: int | None = 0,
    again_s: float | None = None,
    *,
    committing: Collection[str] = (),
) -> SeriesState:
    """One round of deliveries in which every due object meets the same answer."""
    taken = lease(registry, "deliver")
    for due in registry.deliveries_due(taken, now()):
        answer = DeliveryOutcome(
            due.sop_instance_uid,
            due.destination,
            state,
            status,
            "",
            None if again_s is None else now(again_s),
        )
        registry.delivered(taken, answer, now=now())
    return registry.settle(taken, committing=committing, now=now())


def ask(registry: Registry, taken: Lease, name: str = "1.9", destination: str = "pacs") -> None:
    """A transaction of that UID for all that is due at a destination, accepted by it."""
    due = registry.commitments_due(taken, now())
    objects = tuple(each.reference for each in due if each.destination == destination)
    registry.request_commitment(taken, CommitmentRequest(name, destination, objects), now=now())
    registry.commitment_asked(taken, name, now=now(), until=now(1800))


def reply(
    registry: Registry, *confirmed: str, name: str = "1.9", failed: Mapping[str, int] | None = None
) -> Replied:
    """A destination's reply to a transaction."""
    said = CommitmentReply(name, frozenset(confirmed), failed or {})
    return registry.replied(said, now=now())
