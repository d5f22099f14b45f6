"""The whole story in two functions: a series becomes maps, and results reach a destination."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from node import log
from node.derived import DerivedObject, EncodeOptions, encode, refusal_page, rejection_notes
from node.errors import InstanceUnreadableError, SpoolError
from node.perfusion import (
    Findings,
    Lesion,
    LesionThresholds,
    ModelInput,
    Motion,
    PerfusionMaps,
    assess,
    correct_motion,
    find_inputs,
    find_lesion,
    parenchyma,
    prepare,
    time_courses,
)
from node.ports import DueDelivery, Kept, Model, Outcome, Pacs, Reason, ResultRecord, StoreOutcome
from node.refusals import Refusal
from node.series import Eligibility, Instance, read_source, recognise, source_flags, stack

STAGES = ("recognise", "stack", "motion", "prepare", "predict", "lesion", "encode", "keep")
"""The stages of an analysis, in order."""

Keep = Callable[[DerivedObject], Kept]
Progress = Callable[[str, float], None]
"""Called with the stage and how much of it is done, 0 to 1."""

_LOG = log.get("route")


@dataclass(frozen=True)
class AnalyseOptions:
    """Everything an analysis depends on besides its images and its model.

    Parameters
    ----------
    eligibility
        What is accepted as a CT perfusion series.
    max_pixel_mm, max_slice_mm
        Pixels are averaged up to this size before the analysis, thin slices up to this distance
        from one another [mm].
    thresholds
        Where hypoperfusion and core begin.
    encode
        How results are named and written.
    """

    eligibility: Eligibility
    max_pixel_mm: float
    max_slice_mm: float
    thresholds: LesionThresholds
    encode: EncodeOptions


def _silent(_stage: str, _done: float) -> None:
    """Nobody watches."""


def analyse(
    instances: Sequence[Instance],
    *,
    model: Model,
    keep: Keep,
    options: AnalyseOptions,
    progress: Progress = _silent,
) -> Outcome:
    """The result objects of a series, kept, or the reason why there are none.

    Parameters
    ----------
    instances
        Every image of the series that arrived, in any order.
    model
        The network.
    keep
        Makes an object durable; called once for each, in the order they are sent.
    options
        Limits, thresholds and encoding.
    progress
        Told of every stage.

    Returns
    -------
    Outcome
        With ``reason`` where the series was refused; a series that was meant as CT perfusion
        then has one result, the page that says why.

    Raises
    ------
    NodeError
        If the node could not do it, for example for want of memory or room on disk.
    """
    stages = _Stages(progress)
    made = _objects(instances, model, options, stages)
    if isinstance(made, Refusal):
        return _refused(made, instances, keep, options, stages)
    with stages.timed("keep"):
        results = _kept(made.objects, keep, options)
    return Outcome(
        results=results,
        summary=_summary(made.found.lesion, made.motion),
        flags=tuple(Reason(f.code, f.found, f"Grade: {f.grade}.") for f in made.found.flags),
        stages_s=stages.seconds,
    )


def deliver(
    due: Sequence[DueDelivery], pacs: Pacs, on_outcome: Callable[[StoreOutcome], None]
) -> None:
    """Every due object of one destination sent over one association, each answer told at once.

    Raises
    ------
    PeerUnreachableError
        If no association can be made, or it ends before every object was answered; the
        answers told until then stand.
    """
    began = time.perf_counter()
    pacs.store([each.path for each in due], on_outcome)
    took_s = round(time.perf_counter() - began, 4)
    _LOG.info("objects_sent", destination=due[0].destination, objects=len(due), took_s=took_s)


@dataclass(frozen=True, eq=False)
class _Made:
    """What an analysis made, before it is kept."""

    objects: Sequence[DerivedObject]
    found: Findings
    motion: Motion


@dataclass
class _Stages:
    """Times the stages and tells how far they are."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        self.progress(stage, 0.0)
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 4)
        self.progress(stage, 1.0)
        _LOG.info("stage_done", stage=stage, took_s=self.seconds[stage])


def _objects(
    instances: Sequence[Instance], model: Model, options: AnalyseOptions, stages: _Stages
) -> _Made | Refusal:
    """The story itself: each stage hands one noun to the next, or ends it with a refusal."""
    with stages.timed("recognise"):
        series = recognise(instances, options.eligibility)
    if isinstance(series, Refusal):
        return series
    with stages.timed("stack"):
        stacked = stack(series, options.max_pixel_mm, options.max_slice_mm)
    if isinstance(stacked, Refusal):
        return stacked
    with stages.timed("motion"):
        corrected = correct_motion(stacked.scan)
    if isinstance(corrected, Refusal):
        return corrected
    geometry, motion = stacked.geometry, corrected.motion
    del stacked  # what moved is laid back in a copy: of a large scan, one is enough
    _told(motion)
    with stages.timed("prepare"):
        prepared = prepare(corrected.scan, model.grid)
    if isinstance(prepared, Refusal):
        return prepared
    with stages.timed("predict"):
        maps = model.predict(prepared)
    with stages.timed("lesion"):
        found = _found(prepared, maps, motion, model, options.thresholds)
        found = replace(found, flags=(*found.flags, *source_flags(series)))
    with stages.timed("encode"):
        source = read_source(series)
        objects = encode(source, series, geometry, found, options.encode)
        objects += rejection_notes(source, options.encode)
    return _Made(objects, found, motion)


def _found(
    prepared: ModelInput,
    maps: PerfusionMaps,
    motion: Motion,
    model: Model,
    thresholds: LesionThresholds,
) -> Findings:
    """What the maps say of the lesion, and whether they are to be trusted."""
    scan, arrival_s = prepared.scan, prepared.arrival_s
    lesion = find_lesion(maps, thresholds)
    inputs = find_inputs(scan, prepared.brain, arrival_s)
    flags = assess(prepared, maps, lesion, inputs, motion, model.familiar)
    courses = time_courses(scan, parenchyma(maps), arrival_s, inputs)
    return Findings(maps, lesion, flags, courses, motion)


def _told(motion: Motion) -> None:
    """The log's line about movement."""
    _LOG.info(
        "motion_measured" if motion.measured else "motion_not_measured",
        frames=len(motion.moved_mm),
        corrected=int(motion.corrected.sum()),
        excluded=int(motion.excluded.sum()),
        moved_mm=round(motion.most_mm, 2),
        turned_deg=round(motion.most_deg, 2),
    )


def _refused(
    refusal: Refusal,
    instances: Sequence[Instance],
    keep: Keep,
    options: AnalyseOptions,
    stages: _Stages,
) -> Outcome:
    """The refusal, and its page where the series was meant as CT perfusion."""
    results: tuple[ResultRecord, ...] = ()
    if refusal.code.concerns_perfusion:
        with stages.timed("encode"):
            source = _context(instances)
            page = refusal_page(source, refusal, options.encode)
            notes = rejection_notes(source, options.encode)
        with stages.timed("keep"):
            results = _kept([page, *notes], keep, options)
    reason = Reason(str(refusal.code), refusal.found, refusal.remedy)
    return Outcome(results=results, reason=reason, stages_s=stages.seconds)


def _context(instances: Sequence[Instance]) -> Dataset:
    """Whom a refusal concerns: the same instance whatever the order they came in."""
    first = min(instances, key=lambda i: i.header.sop_instance_uid).path
    try:
        return dcmread(first, stop_before_pixels=True)
    except OSError as fault:
        raise SpoolError(f"{first} cannot be read: {fault.strerror}") from fault
    except InvalidDicomError as fault:
        raise InstanceUnreadableError(f"{first} is not a DICOM file any more") from fault


def _kept(
    objects: Sequence[DerivedObject], keep: Keep, options: AnalyseOptions
) -> tuple[ResultRecord, ...]:
    return tuple(
        ResultRecord(
            sop_instance_uid=each.sop_instance_uid,
            sop_class_uid=str(each.dataset.SOPClassUID),
            series_instance_uid=str(each.dataset.SeriesInstanceUID),
            kind=each.kind,
            description=str(each.dataset.get("SeriesDescription", "")),
            path=keep(each).path,
            revision=options.encode.revision,
        )
        for each in objects
    )


def _summary(lesion: Lesion, motion: Motion) -> dict[str, float | None]:
    """The numbers that the status page shows, units in their names."""
    return {
        "core_ml": lesion.core_ml,
        "hypoperfusion_ml": lesion.hypoperfusion_ml,
        "mismatch_ml": lesion.mismatch_ml,
        "mismatch_ratio": lesion.mismatch_ratio,
        "hypoperfusion_intensity_ratio": lesion.hypoperfusion_intensity_ratio,
        "normal_cbf": lesion.normal_cbf,
        **{f"tmax_above_{s:g}_s_ml": ml for s, ml in lesion.tmax_above_ml.items()},
        **{f"cbf_below_{100 * r:g}_percent_ml": ml for r, ml in lesion.rcbf_below_ml.items()},
        **_ranges(lesion),
        "moved_mm": motion.most_mm if motion.measured else None,
        "turned_deg": motion.most_deg if motion.measured else None,
    }


def _ranges(lesion: Lesion) -> dict[str, float | None]:
    """The least and the most of the volumes; None where the network does not know its errors."""
    between = lesion.range_ml
    core = (None, None) if between is None else between.core_ml
    slow = (None, None) if between is None else between.hypoperfusion_ml
    return {
        "core_least_ml": core[0],
        "core_most_ml": core[1],
        "hypoperfusion_least_ml": slow[0],
        "hypoperfusion_most_ml": slow[1],
    }
