"""The whole story in two functions: a series becomes maps, and results reach a destination."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from node import log
from node.derived import DerivedObject, EncodeOptions, encode, refusal_page, rejection_notes
from node.perfusion import (
    Findings,
    LesionThresholds,
    ModelInput,
    Motion,
    PerfusionMaps,
    assess,
    correct_motion,
    find_inputs,
    find_lesion,
    gravest_first,
    parenchyma,
    prepare,
    time_courses,
)
from node.ports import (
    DueDelivery,
    Kept,
    Model,
    Outcome,
    Pacs,
    Reason,
    ResultRecord,
    StoreOutcome,
    concluded,
)
from node.refusals import Refusal
from node.series import (
    Eligibility,
    Instance,
    read_context,
    read_source,
    recognise,
    source_checks,
    stack,
)

STAGES = ("recognise", "stack", "motion", "prepare", "predict", "lesion", "encode", "keep")
"""The stages of an analysis, in order; what is made is kept meanwhile, and ``keep`` is the rest."""

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
    too_large
        Why a series of which images were turned away is not analysed; None where none were.
    """

    eligibility: Eligibility
    max_pixel_mm: float
    max_slice_mm: float
    thresholds: LesionThresholds
    encode: EncodeOptions
    too_large: Refusal | None = None


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
    with _Keeper(keep, options) as keeper:
        found = _analysed(instances, model, options, stages, keeper)
        if isinstance(found, Refusal):
            return _refused(found, instances, options, stages, keeper)
        with stages.timed("keep"):
            results = keeper.results()
    return concluded(found, results, stages.seconds)


def deliver(
    due: Sequence[DueDelivery], pacs: Pacs, on_outcome: Callable[[StoreOutcome], None]
) -> None:
    """Every due object of one destination sent, each answer told at once.

    Raises
    ------
    PeerUnreachableError
        If it cannot be reached, or does not answer for every object; the answers told until
        then stand.
    """
    began = time.perf_counter()
    pacs.store([each.path for each in due], on_outcome)
    took_s = round(time.perf_counter() - began, 4)
    _LOG.info("objects_sent", destination=due[0].destination, objects=len(due), took_s=took_s)


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


class _Keeper:
    """Makes objects durable in their order, while those that follow are still being made.

    A thread waits for the disk: making and keeping would else wait for each other.
    """

    def __init__(self, keep: Keep, options: AnalyseOptions) -> None:
        self._keep = keep
        self._revision = options.encode.revision
        self._thread = ThreadPoolExecutor(1)
        self._kept: list[Future[ResultRecord]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def take(self, objects: Iterable[DerivedObject]) -> None:
        """Keep these, each as soon as it is there."""
        for each in objects:
            self._kept.append(self._thread.submit(self._record, each))

    def results(self) -> tuple[ResultRecord, ...]:
        """What was kept, once all of it is; the first fault on the way is raised here."""
        return tuple(each.result() for each in self._kept)

    def _record(self, made: DerivedObject) -> ResultRecord:
        return ResultRecord(
            sop_instance_uid=made.sop_instance_uid,
            sop_class_uid=str(made.dataset.SOPClassUID),
            series_instance_uid=str(made.dataset.SeriesInstanceUID),
            kind=made.kind,
            description=str(made.dataset.get("SeriesDescription", "")),
            path=self._keep(made).path,
            revision=self._revision,
        )


def _analysed(
    instances: Sequence[Instance],
    model: Model,
    options: AnalyseOptions,
    stages: _Stages,
    keeper: _Keeper,
) -> Findings | Refusal:
    """The story itself: each stage hands one noun to the next, or ends it with a refusal."""
    with stages.timed("recognise"):
        series = recognise(instances, options.eligibility)
    unrelated = isinstance(series, Refusal) and not series.code.concerns_perfusion
    if options.too_large is not None and not (unrelated and instances):
        return options.too_large
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
        checks = gravest_first((*found.checks, *source_checks(series)))
        found = replace(found, checks=checks)
    with stages.timed("encode"):
        source = read_source(series)
        keeper.take(encode(source, series, geometry, found, options.encode))
        keeper.take(rejection_notes(source, options.encode))
    return found


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
    checks = assess(prepared, maps, lesion, inputs, motion, model.familiar)
    courses = time_courses(scan, parenchyma(maps), arrival_s, inputs)
    return Findings(maps, lesion, checks, courses, motion)


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
    options: AnalyseOptions,
    stages: _Stages,
    keeper: _Keeper,
) -> Outcome:
    """The refusal, and its page where the series was meant as CT perfusion."""
    results: tuple[ResultRecord, ...] = ()
    if refusal.code.concerns_perfusion and instances:
        with stages.timed("encode"):
            source = read_context(instances)
            keeper.take([refusal_page(source, refusal, options.encode)])
            keeper.take(rejection_notes(source, options.encode))
        with stages.timed("keep"):
            results = keeper.results()
    reason = Reason(str(refusal.code), refusal.found, refusal.remedy)
    return Outcome(results=results, reason=reason, stages_s=stages.seconds)
