"""The nouns of work in hand: what is due, who has it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from node.ports.curves import Curve
from node.ports.records import CheckRecord, DeliveryState, Reason, ResultRecord

if TYPE_CHECKING:  # a noun that is only named; its room loads the science
    from node.series import Volume


@dataclass(frozen=True)
class Wake:
    """Work that is due: ``queue`` is ``analyse``, ``deliver`` or ``commit``."""

    queue: str
    series_instance_uid: str


@dataclass(frozen=True)
class Ruling:
    """What a rule of the site says of a series.

    Parameters
    ----------
    rule
        The rule, in words.
    only
        Who may be sent which kinds of results; None: everybody, everything.
    """

    rule: str
    only: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class Receiving:
    """A series that still receives.

    Parameters
    ----------
    series_instance_uid, instances, received_last_at
        Which series, how many images (frames too) it has, and when the last one came.
    looked
        Whether its content was judged since the last image.
    content_complete, missing
        What that judgement found.
    has_parts
        Whether other series were joined to it, the time points or slabs of its scan.
    study_last_at
        When the last image of its study came.
    calling_ae_title
        Who sent it.
    """

    series_instance_uid: str
    instances: int
    received_last_at: datetime
    looked: bool
    content_complete: bool
    missing: str
    has_parts: bool
    study_last_at: datetime
    calling_ae_title: str = ""


@dataclass(frozen=True)
class ScanPart:
    """A series that may be a time point or a slab of a scan, and the series it was joined to.

    ``leader`` is its own UID where others were joined to it, or can only be joined to it; empty
    where it stands alone.
    """

    volume: Volume
    leader: str


@dataclass(frozen=True)
class Lease:
    """The right to work on one series until ``until``; ``queue`` says at what.

    ``completed_at`` is stored once per revision, so that a rerun dates its results alike.
    """

    series_instance_uid: str
    queue: str
    owner: str
    until: datetime
    revision: int
    completed_at: datetime
    attempts: int = 0


@dataclass(frozen=True)
class Outcome:
    """What an analysis came to: results, or with ``reason`` a refusal (and perhaps its page)."""

    results: tuple[ResultRecord, ...]
    reason: Reason | None = None
    summary: dict[str, float | None] = field(default_factory=dict)
    flags: tuple[Reason, ...] = ()
    checks: tuple[CheckRecord, ...] = ()
    stages_s: dict[str, float] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True)
class DueDelivery:
    """One result object that a destination should be sent now; pending since ``since``."""

    sop_instance_uid: str
    destination: str
    path: Path
    attempts: int
    since: datetime


@dataclass(frozen=True)
class DeliveryOutcome:
    """What became of one try to deliver; ``next_try_at`` only where it stays PENDING."""

    sop_instance_uid: str
    destination: str
    state: DeliveryState
    status: int | None
    message: str
    next_try_at: datetime | None = None
