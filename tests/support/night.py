"""A night's worth of series, as an administrator of a stroke centre would find them."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from node.perfusion import Estimator
from node.ports import (
    CheckRecord,
    Curve,
    DeliveryRecord,
    DeliveryState,
    DiskUse,
    Event,
    GpuVitals,
    Lease,
    ReadingRecord,
    Reason,
    ResultRecord,
    SeriesRecord,
    SeriesState,
    WorkerRecord,
)
from node.settings import AnalysisSettings, Destination, SelectionRule, Settings, shown
from node.status import DestinationInfo, Probes
from node.wiring.rulebook import rulebook
from tests.support.fake_archive import NOW, FakeArchive, a_series

State = SeriesState
GIB = 2**30
SC, CT, SEG, PM = (
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.30",
)
OBJECTS = (
    ("background", CT, "Perfusion background CT"),
    *(("colour", SC, f"{q} colour map") for q in ("CBF", "CBV", "MTT", "TTP", "Tmax")),
    ("segmentation", SEG, "Core and hypoperfusion"),
    *(("parametric_map", PM, f"{q} parametric map") for q in ("CBF", "Tmax")),
)
SCANNERS = (
    ("Head Perfusion 5.0 H20f", "CT_SOMATOM"),
    ("CTP Vol 4D 1.0 s", "CT_AQUILION"),
    ("VPCT Brain (adult)", "CT_SOMATOM"),
    ("Perfusion Gehirn 10.0 Hr36", "CT_REVOLUTION"),
    ("NEURO PERFUSION jog", "CT_REVOLUTION"),
)
ESTIMATOR = Estimator("perfusion", "0.1.0", "9f2c41d8" + "0" * 56)
ARCHIVES = (
    DestinationInfo("pacs", "ORTHANC", "10.20.0.14", 4242),
    DestinationInfo("viewer", "STROKE_VIEW", "10.20.0.31", 11112),
)


# The stroke unit's scanner first, and the neurologists' viewer is sent pictures alone.
RULED = Settings(
    analysis=AnalysisSettings(
        rules=(
            SelectionRule(action="skip", image_type="*MIP*"),
            SelectionRule(action="usual", peer="CT_REVOLUTION", protocol="*stroke*", priority=5),
            SelectionRule(action="usual", peer="RESEARCH*", destinations=("viewer",)),
        )
    ),
    destinations=tuple(
        Destination(name=each.name, ae_title=each.ae_title, host=each.host, port=each.port or 104)
        for each in ARCHIVES
    ),
)


LOG = (
    {
        "timestamp": "2026-03-14T01:53:33.114Z",
        "level": "info",
        "room": "route",
        "event": "stage_done",
        "stage": "predict",
        "took_s": 1.2,
    },
    {
        "timestamp": "2026-03-14T01:53:35.908Z",
        "level": "error",
        "room": "jobs",
        "event": "step_failed",
        "fault": "inference",
        "found": "the network ran out of memory on cuda:0",
    },
)


def probes(now: datetime = NOW) -> Probes:
    """A node that is well, at that time."""
    return Probes(
        redis=lambda: None,
        database=lambda: None,
        disk=lambda: DiskUse(412 * GIB, 931 * GIB, 2 * GIB, 10 * GIB),
        destinations=lambda: ARCHIVES,
        echo=lambda name: 0.0042,
        model=lambda: ESTIMATOR,
        settings=lambda: shown(Settings()),
        rulebook=lambda draft: rulebook(RULED, draft),
        log_lines=lambda uids, since: LOG,
        software_version="0.1.0",
        now=lambda: now,
    )


def archive() -> FakeArchive:
    """One series in every state that a night brings, and what came before midnight."""
    found = FakeArchive(*_under_way(), *_ended(), *(_delivered(n) for n in range(65, 1100, 75)))
    found.reported = workers()
    return found


def _under_way() -> tuple[SeriesRecord, ...]:
    return (
        _at(
            a_series(1, State.RECEIVING, instances=478),
            timedelta(seconds=6),
            waiting_for="2 more images of slice 3",
        ),
        _at(
            a_series(2, State.ANALYSING, description="CTP Vol 4D 1.0 s", instances=640),
            timedelta(seconds=9),
            calling_ae_title="CT_AQUILION",
        ),
        _stuck_at_the_viewer(),
    )


def _ended() -> tuple[SeriesRecord, ...]:
    return (
        a_series(
            22,
            State.REFUSED,
            description="CTP 5 mm",
            instances=112,
            reason=Reason(
                "too_short",
                "the series covers 22 s",
                "Send a CT perfusion series of at least 30 s.",
            ),
        ),
        a_series(
            48,
            State.FAILED,
            description="Head Perfusion 10.0 Hr36",
            attempts=3,
            completed_at=NOW - timedelta(minutes=47, seconds=58),
            analysing_at=NOW - timedelta(minutes=46, seconds=31),
            events=(
                Event(NOW - timedelta(minutes=47, seconds=58), "complete", "30 time points"),
                Event(NOW - timedelta(minutes=47, seconds=54), "step_failed", "out of memory"),
                Event(NOW - timedelta(minutes=47, seconds=49), "step_failed", "out of memory"),
                Event(NOW - timedelta(minutes=46, seconds=27), "failed", "3 attempts"),
            ),
            reason=Reason(
                "inference",
                "the network ran out of memory on cuda:0",
                "Check free memory and the device with: perfusion-node check",
            ),
        ),
        a_series(23, State.REFUSED, description="Topogram", instances=1, reason=_not_perfusion()),
        a_series(24, State.IGNORED, description="Dose report", modality="SR", instances=1),
        _delivered(14),
        _delivered(36),
    )


def _stuck_at_the_viewer() -> SeriesRecord:
    """Stored in the PACS, and nobody answers at the viewer."""
    done = _delivered(3)
    at = done.delivered_at or NOW
    return replace(
        done,
        state=State.READY,
        description="VPCT Brain (adult)",
        delivered_at=None,
        attempts=2,
        next_try_at=NOW + timedelta(seconds=18),
        waiting_for="viewer to take 9 of 18 objects",
        reason=Reason(
            "peer_unreachable",
            "viewer (STROKE_VIEW at 10.20.0.31:11112) does not accept a connection",
            "Check host, port and AE titles with: perfusion-node echo viewer",
        ),
        deliveries=tuple(
            replace(
                delivery,
                state=DeliveryState.PENDING,
                status=None,
                message="",
                attempts=2,
                next_try_at=NOW + timedelta(seconds=18),
                updated_at=NOW - timedelta(seconds=22),
            )
            if delivery.destination == "viewer"
            else delivery
            for delivery in done.deliveries
        ),
        events=(
            *done.events[:-1],
            Event(at, "delivery_postponed", "viewer does not accept a connection; try 1"),
            Event(NOW - timedelta(seconds=22), "delivery_postponed", "the same; try 2"),
        ),
    )


def _not_perfusion() -> Reason:
    return Reason("localizer", "the series is a topogram", "Nothing to do.")


def _delivered(number: int) -> SeriesRecord:
    """A delivered series with all its objects, deliveries and history."""
    description, sender = SCANNERS[number % len(SCANNERS)]
    record = a_series(number, State.DELIVERED, description=description, calling_ae_title=sender)
    last = record.received_last_at
    took = timedelta(seconds=5.4 + number * 7 % 13 * 0.31)
    after = [last + took * part for part in (0.22, 0.24, 0.86, 1.0)]
    flags = (
        Reason(
            "weak_bolus",
            "the arterial peak is 81 HU over baseline, under 100 HU",
            "Read the maps with the curves in view.",
        ),
    )
    return replace(
        record,
        completed_at=after[0],
        analysing_at=after[1],
        ready_at=after[2],
        delivered_at=after[3],
        attempts=1,
        summary={
            "core_ml": 18.4 + number % 23,
            "hypoperfusion_ml": 96.0 + number % 41,
            "mismatch_ml": 77.6 + number % 18,
            "mismatch_ratio": 5.2,
            "hypoperfusion_intensity_ratio": 0.41,
        },
        flags=flags if number % 5 == 1 else (),
        checks=_checks(81.0 if number % 5 == 1 else 240.0),
        stages_s={"read": 1.9, "stack": 0.4, "prepare": 0.7, "predict": 1.2, "encode": 0.8},
        curves=_curves(),
        results=_results(record),
        deliveries=_deliveries(record, after[3]),
        events=(
            Event(record.received_first_at, "received", f"first image from {sender}"),
            Event(after[0], "complete", "30 time points at 16 slices, grace 2 s passed"),
            Event(after[2], "analysed", "9 objects written and read back"),
            Event(after[3], "delivered", "9 objects to pacs, 9 to viewer"),
        ),
    )


def _checks(artery_hu: float) -> tuple[CheckRecord, ...]:
    """The checks of an analysis, as far as the page needs some."""
    peak = ReadingRecord(
        "the artery's peak", artery_hu, "HU", f"{artery_hu:.0f} HU", "at least 100 HU"
    )
    noise = ReadingRecord("noise of a voxel at 5 mm", 5.2, "HU", "5.2 HU", "at most 12 HU")
    return (
        CheckRecord("weak_bolus", "caution" if artery_hu < 100 else "ok", "the peak", (peak,)),
        CheckRecord("noise", "ok", "noise of 5 HU", (noise,)),
    )


def _curves() -> tuple[Curve, ...]:
    """A bolus in artery, vein and tissue, and a head that turns a little at 24 s."""
    times = tuple(2.0 * place for place in range(30))

    def bolus(begin_s: float, width_s: float, peak: float) -> tuple[float, ...]:
        after = (max(0.0, t - begin_s) / width_s for t in times)
        return tuple(round(peak * x**3 * math.exp(3 - 3 * x), 2) for x in after)

    moved = tuple(round(0.3 + 1.6 / (1 + math.exp(24.0 - t)), 2) for t in times)
    return (
        Curve("artery", "HU", times, bolus(8.0, 8.0, 212.0)),
        Curve("vein", "HU", times, bolus(13.0, 10.0, 265.0)),
        Curve("tissue", "HU", times, bolus(9.0, 10.0, 11.5)),
        Curve("moved", "mm", times, moved),
        Curve("turned", "degrees", times, tuple(round(0.6 * mm, 2) for mm in moved)),
        Curve("left_out", "", (24.0, 26.0)),
    )


def workers() -> list[WorkerRecord]:
    """A GPU worker at work, a delivery worker that waits, and one that was lost."""
    began = NOW - timedelta(days=3, hours=4)
    lease = Lease("1.2.826.0.1.3680043.8.498.2", "analyse", "gpu1|x|214|1|7", NOW, 1, NOW)
    seen = NOW - timedelta(seconds=4)
    return [
        WorkerRecord(
            *("gpu1|x|214|1", ("analyse",), "CUDAExecutionProvider", "0.1.0", began, seen, lease),
            gpus=(GpuVitals("NVIDIA L4", 0.64, 3 << 30, 24 << 30),),
        ),
        WorkerRecord("gpu1|x|215|1", ("deliver", "commit"), "", "0.1.0", began, seen),
        WorkerRecord(
            "gpu2|x|98|1",
            ("analyse",),
            "CPUExecutionProvider",
            "0.1.0",
            began,
            NOW - timedelta(minutes=12),
        ),
    ]


def _results(record: SeriesRecord) -> tuple[ResultRecord, ...]:
    return tuple(
        ResultRecord(
            sop_instance_uid=f"{record.series_instance_uid}.9.{place}",
            sop_class_uid=sop_class,
            series_instance_uid=f"{record.series_instance_uid}.9.{place}.0",
            kind=kind,
            description=description,
            path=Path(f"/var/lib/perfusion-node/results/{place}.dcm"),
            revision=1,
        )
        for place, (kind, sop_class, description) in enumerate(OBJECTS)
    )


def _deliveries(record: SeriesRecord, at: datetime) -> tuple[DeliveryRecord, ...]:
    return tuple(
        DeliveryRecord(
            sop_instance_uid=result.sop_instance_uid,
            destination=destination.name,
            **_answer(result, destination),
            attempts=1,
            next_try_at=None,
            updated_at=at,
        )
        for destination in ARCHIVES
        for result in _results(record)
    )


def _answer(result: ResultRecord, destination: DestinationInfo) -> dict[str, object]:
    if destination.name == "viewer" and result.sop_class_uid == PM:
        message = "the destination does not accept this SOP Class"
        return {"state": DeliveryState.SKIPPED, "status": None, "message": message}
    if result.kind == "background" and destination.name == "viewer":
        return {"state": DeliveryState.WARNING, "status": 0xB000, "message": ""}
    return {"state": DeliveryState.STORED, "status": 0, "message": ""}


def _at(record: SeriesRecord, ago: timedelta, **facts: object) -> SeriesRecord:
    last = NOW - ago
    return replace(
        record, received_last_at=last, received_first_at=last - timedelta(seconds=38), **facts
    )
