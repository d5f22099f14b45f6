"""All result objects of one analysis, in the order in which they are sent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from pydicom import Dataset

from node.derived import uids
from node.derived.annotation import AMBER, SOFT, Line, wrapped
from node.derived.background import background_images
from node.derived.bundle import DerivedObject, EncodeOptions, ObjectKind
from node.derived.canvas import SIDE
from node.derived.context import DISCLAIMER, PRODUCT, Context
from node.derived.derived_ct import derived_ct_images
from node.derived.multi_frame_capture import multi_frame_captures
from node.derived.parametric_map import parametric_maps
from node.derived.picture import Captions, Scene, lesion_pictures, map_pictures
from node.derived.report import report
from node.derived.secondary_capture import LESION_PLAN, MAP_PLANS, secondary_captures
from node.derived.segmentation import segmentation
from node.derived.summary import summary_page
from node.perfusion import Findings, QualityCheck
from node.series import CtpSeries, Geometry

_SIZE = 11  # of the caption's type [pixel]
_WIDTH = SIDE // 2 - 40  # of the caption, so that it ends before the letter in the middle [pixel]


def encode(
    source: Dataset,
    series: CtpSeries,
    geometry: Geometry,
    findings: Findings,
    options: EncodeOptions,
) -> Iterator[DerivedObject]:
    """The result objects of one analysis, in sending order: what is referenced comes first.

    Parameters
    ----------
    source
        One source instance: patient, study, scanner and character set are copied from it.
    series
        The series that was analysed.
    geometry
        Of the maps: the analysis grid, slices ascending along the normal.
    findings
        What the analysis found.
    options
        How to encode it. Of the ``kinds``, only what is asked for is returned; segmentation,
        maps and pictures refer to the background CT whether or not that is returned.

    Yields
    ------
    DerivedObject
        Each as soon as it is made: background CT, colour pictures (CBF, CBV, MTT, TTP, Tmax,
        lesion) and the same in multi-frame instances, summary page, segmentation, parametric
        maps, greyscale maps, report. The same input gives the same bytes.

    Raises
    ------
    ValueError
        If maps, lesion and geometry are not on one grid.
    """
    maps, lesion, flags = findings.maps, findings.lesion, findings.flags
    _check_grid(geometry, findings)
    known = uids.frame_of_reference(geometry, series, options.uid_root)
    place = replace(geometry, frame_of_reference_uid=str(known))
    context = Context(
        source,
        options,
        uids.of_results(series, maps, lesion, options),
        maps.estimator,
        tuple(f"{f.grade.upper()}: {f.found}" for f in flags),
    )
    ground = background_images(context, series, place, maps)
    shown = _for_eyes(context, series, place, findings, ground)
    measured = _for_software(context, series, place, findings, ground)
    for kind, dataset in chain(shown, measured):
        yield DerivedObject(kind, dataset)


def _for_eyes(
    context: Context,
    series: CtpSeries,
    place: Geometry,
    findings: Findings,
    ground: Sequence[Dataset],
) -> Iterator[tuple[ObjectKind, Dataset]]:
    """What people look at, as far as it is asked for."""
    asked = set(context.options.kinds)
    if "background" in asked:
        yield from (("background", image) for image in ground)
    if asked & {"colour", "colour_multiframe"}:
        yield from _pictured(context, place, findings, ground)
    if "summary_page" in asked:
        yield "summary_page", summary_page(context, series, place, findings, ground)


def _for_software(
    context: Context,
    series: CtpSeries,
    place: Geometry,
    findings: Findings,
    ground: Sequence[Dataset],
) -> Iterator[tuple[ObjectKind, Dataset]]:
    """What programs read, as far as it is asked for; ``ground`` is cited, sent or not."""
    asked, maps = set(context.options.kinds), findings.maps
    segments = None
    if asked & {"segmentation", "report"}:
        segments = segmentation(context, place, maps, findings.lesion, ground)
    if segments is not None and "segmentation" in asked:
        yield "segmentation", segments
    if "parametric_map" in asked:
        for image in parametric_maps(context, series, place, maps, ground):
            yield "parametric_map", image
    if "derived_ct" in asked:
        for image in derived_ct_images(context, place, maps, ground):
            yield "derived_ct", image
    if segments is not None and "report" in asked:
        yield "report", report(context, series, place, findings, ground, segments)


def _check_grid(geometry: Geometry, findings: Findings) -> None:
    maps, lesion = findings.maps, findings.lesion
    grid = (len(geometry.position_mm), geometry.rows, geometry.columns)
    if {maps.brain.shape, lesion.core.shape, lesion.hypoperfusion.shape} != {grid}:
        raise ValueError(
            f"maps {maps.brain.shape} and lesion {lesion.core.shape} are not on the grid {grid}"
        )


def _pictured(
    context: Context, place: Geometry, findings: Findings, ground: Sequence[Dataset]
) -> Iterator[tuple[ObjectKind, Dataset]]:
    """The colour pictures, each alone and all of a series in one instance, as asked for."""
    options, captions = context.options, _captions(context, findings.flags)
    scene = Scene.of(place, findings.maps, findings.lesion, captions, options.colour_table)
    stacks = []
    for stack in _colour(context, scene, ground):
        if "colour" in options.kinds:
            yield from (("colour", image) for image in stack)
        if "colour_multiframe" in options.kinds:
            stacks.append(stack)
    if stacks:
        for image in multi_frame_captures(context, stacks):
            yield "colour_multiframe", image


def _colour(context: Context, scene: Scene, ground: Sequence[Dataset]) -> Iterator[list[Dataset]]:
    """The series of the maps and of the lesion, each slice by slice."""
    for q, plan in MAP_PLANS.items():
        yield secondary_captures(context, plan, q.upper(), map_pictures(scene, q), ground)
    lesion = lesion_pictures(scene)
    yield secondary_captures(context, LESION_PLAN, "LESION", lesion, ground)


def _captions(context: Context, flags: Sequence[QualityCheck]) -> Captions:
    """Every map names its flags; the pictures of the lesion say what was found."""
    names = [f"{f.grade.capitalize()}: {f.code.replace('_', ' ')}" for f in flags]
    sentences = [f"{f.grade.capitalize()}: {f.found}" for f in flags]
    return Captions(_caption(context, names), _caption(context, sentences))


def _caption(context: Context, warnings: Sequence[str]) -> tuple[Line, ...]:
    """Warnings, revision, disclaimer, software and model: drawn on every picture."""
    model = context.estimator
    software = [f"{model.name} {model.version}"] if model else []
    software.append(f"{PRODUCT} {context.options.software_version}")
    revision = [context.revision_note.capitalize()] if context.revision_note else []
    return (
        *(Line(t, _SIZE, colour=AMBER) for w in warnings for t in wrapped(w, _WIDTH, _SIZE)),
        *(Line(t, _SIZE) for t in revision),
        Line(DISCLAIMER, 13, bold=True, colour=AMBER),
        *(Line(t, _SIZE, colour=SOFT) for s in software for t in wrapped(s, _WIDTH, _SIZE)),
    )
