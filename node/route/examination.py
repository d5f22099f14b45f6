"""What a series shows: all of an analysis that comes before its objects are made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# scipy reads a part of itself where it is first used; whoever analyses has them before a scan comes
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.spatial  # noqa: F401

from node import log
from node.derived import EncodeOptions
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
from node.ports import Model
from node.refusals import Refusal
from node.route.stages import Progress, Stages, unwatched
from node.series import (
    CtpSeries,
    Eligibility,
    Geometry,
    Instance,
    recognise,
    source_checks,
    stack,
)

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


@dataclass(frozen=True, eq=False)
class Shown:
    """What a series that is CT perfusion shows, and on which grid."""

    series: CtpSeries
    geometry: Geometry
    findings: Findings


@dataclass(frozen=True, eq=False)
class Examined:
    """What became of a series before anything is written: what it shows, or why it is refused.

    ``stages_s`` is how long each stage took [s].
    """

    found: Shown | Refusal
    stages_s: dict[str, float]


def examine(
    instances: Sequence[Instance],
    *,
    model: Model,
    options: AnalyseOptions,
    progress: Progress = unwatched,
) -> Examined:
    """What a series shows, or why it is refused; nothing is written.

    How results are written (``options.encode``) makes no difference to it.

    Parameters
    ----------
    instances, model, options, progress
        As of :func:`node.route.analyse`.

    Raises
    ------
    NodeError
        If the node could not do it, for example for want of memory.
    """
    stages = Stages(progress)
    return Examined(_shown(instances, model, options, stages), stages.seconds)


def _shown(
    instances: Sequence[Instance], model: Model, options: AnalyseOptions, stages: Stages
) -> Shown | Refusal:
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
    return Shown(series, geometry, replace(found, checks=checks))


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
