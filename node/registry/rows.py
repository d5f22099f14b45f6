"""Rows of the database as the nouns of :mod:`node.ports`, and back."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from node.ports import (
    CheckRecord,
    CommitmentRecord,
    CommitmentState,
    Curve,
    DeliveryRecord,
    DeliveryState,
    Event,
    Lease,
    ReadingRecord,
    Reason,
    Receiving,
    ResultRecord,
    SeriesRecord,
    SeriesState,
)
from node.series import Header, Instance, Volume

Row = sa.Row[*tuple[Any, ...]]

_PLAIN = (
    "series_instance_uid",
    "study_instance_uid",
    "modality",
    "description",
    "calling_ae_title",
    "revision",
    "instances",
    "ignored",
    "conflicts",
    "received_first_at",
    "received_last_at",
    "completed_at",
    "analysing_at",
    "ready_at",
    "delivered_at",
    "confirmed_at",
    "attempts",
    "next_try_at",
    "waiting_for",
    "summary",
    "stages_s",
    "asked_images",
    "asked_bytes",
    "ended_at",
    "sources_expired_at",
    "results_expired_at",
    "priority",
)


def storable(text: str) -> str:
    """Text from a sender as every database takes it: no NUL, no lone surrogate."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def header_row(header: Header) -> dict[str, Any]:
    """A header as JSON data."""
    # a header is flat: dataclasses.asdict would copy every tuple's items for nothing, each image
    return {name: _cleaned(value) for name, value in vars(header).items()}


def instance(row: Row, data_dir: Path) -> Instance:
    """One image, as recorded."""
    return Instance(_header(row.header), data_dir / row.path)


def shared(
    wanted: Mapping[str, Sequence[str]], only: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    """What each destination is sent, of what it wants; ``only`` None: everything."""
    may = wanted if only is None else only
    return {
        name: tuple(kind for kind in kinds if kind in may.get(name, ()))
        for name, kinds in wanted.items()
    }


def path_row(path: Path, data_dir: Path) -> str:
    """A path as it is stored: from ``data_dir`` on, so that the folder may be moved."""
    return str(path.relative_to(data_dir) if path.is_relative_to(data_dir) else path)


def volume_row(volume: Volume | None) -> dict[str, Any] | None:
    """What a series of one time point is, as JSON data."""
    return None if volume is None else {**vars(volume), "header": header_row(volume.header)}


def volume(kept: dict[str, Any]) -> Volume:
    """What a series of one time point is, as it was noted."""
    return Volume(**{**kept, "header": _header(kept["header"])})


def series_record(
    row: Row,
    data_dir: Path,
    *,
    results: Iterable[Row] = (),
    deliveries: Iterable[Row] = (),
    events: Iterable[Row] = (),
    curves: Iterable[dict[str, Any]] = (),
) -> SeriesRecord:
    """A series and, where given, all that hangs on it."""
    m = row._mapping
    return SeriesRecord(
        **{name: m[name] for name in _PLAIN},
        state=SeriesState(row.state),
        reason=Reason(**row.reason) if row.reason else None,
        flags=tuple(Reason(**flag) for flag in row.flags),
        checks=tuple(_check(kept) for kept in row.checks),
        curves=tuple(
            Curve(c["name"], c["unit"], tuple(c["time_s"]), tuple(c["values"])) for c in curves
        ),
        results=tuple(_result(r, data_dir) for r in results),
        deliveries=tuple(_delivery(d) for d in deliveries),
        events=tuple(Event(e.at, e.name, e.detail) for e in events),
    )


def receiving(row: Row) -> Receiving:
    """A series that still receives, with the two columns that only its study can tell."""
    return Receiving(
        series_instance_uid=row.series_instance_uid,
        instances=row.instances,
        received_last_at=row.received_last_at,
        looked=row.looked_instances == row.instances,
        content_complete=row.content_complete,
        missing=row.missing,
        has_parts=row.has_parts,
        study_last_at=row.study_last_at,
        calling_ae_title=row.calling_ae_title,
    )


def lease(row: Row) -> Lease:
    """The lease of a series that has one."""
    return Lease(
        series_instance_uid=row.series_instance_uid,
        queue=row.lease_queue,
        owner=row.lease_owner,
        until=row.lease_until,
        revision=row.revision,
        completed_at=row.completed_at,
        attempts=row.attempts,
    )


def _check(kept: dict[str, Any]) -> CheckRecord:
    readings = tuple(ReadingRecord(**reading) for reading in kept["readings"])
    return CheckRecord(**{**kept, "readings": readings})


def _result(row: Row, data_dir: Path) -> ResultRecord:
    return ResultRecord(
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        series_instance_uid=row.series_instance_uid,
        kind=row.kind,
        description=row.description,
        path=data_dir / row.path,
        revision=row.revision,
    )


def _delivery(row: Row) -> DeliveryRecord:
    pending = row.state == DeliveryState.PENDING
    return DeliveryRecord(
        sop_instance_uid=row.sop_instance_uid,
        destination=row.destination,
        state=DeliveryState(row.state),
        status=row.status,
        message=row.message,
        attempts=row.attempts,
        next_try_at=row.next_try_at if pending else None,
        updated_at=row.updated_at,
        commitment=_commitment(row),
    )


def _commitment(row: Row) -> CommitmentRecord | None:
    """Of a delivery that is joined with its commitment, whose columns are labelled."""
    if row.commitment_state is None:
        return None
    state = CommitmentState(row.commitment_state)
    waits = state in (CommitmentState.OWED, CommitmentState.ASKED)
    return CommitmentRecord(
        state=state,
        failure=row.commitment_failure,
        message=row.commitment_message,
        tries=row.commitment_tries,
        next_try_at=row.commitment_next_try_at if waits else None,
        updated_at=row.commitment_updated_at,
    )


def _header(kept: dict[str, Any]) -> Header:
    return Header(**{name: _tuples(value) for name, value in kept.items()})


def _tuples(value: Any) -> Any:
    """JSON has lists where a header has tuples."""
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    return [_cleaned(v) for v in value] if isinstance(value, tuple) else value
