"""Instances of one series to a CT perfusion series, or the reason why not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from node.refusals import Refusal, RefusalCode
from node.series.assembly import Grid, assemble, columns_of, frame_count, slice_labels
from node.series.eligibility import Eligibility, not_perfusion
from node.series.frames import CtpSeries
from node.series.geometry import Geometry
from node.series.header import Header, Instance
from node.series.rules import deciding_rule
from node.series.selection import Selection, select
from node.series.timing import Clock, choose_clock, choose_index, clock_of

_DEFAULT = Eligibility()


def recognise(instances: Iterable[Instance], limits: Eligibility = _DEFAULT) -> CtpSeries | Refusal:
    """One series' instances as a CT perfusion series, whatever order they came in.

    Positions along the slice normal first, times second: no tag is believed to name a volume
    (DICOM.md 1.3).

    Parameters
    ----------
    instances
        All that arrived of one series.
    limits
        What a series must have.
    """
    selection = _selected(list(instances), limits)
    if isinstance(selection, Refusal):
        return selection
    headers = [image.header for image in selection.images]
    labels, along = slice_labels(headers)
    per_slice = np.bincount(labels)
    if refusal := not_perfusion(frame_count(per_slice), len(per_slice)):
        return refusal
    if refusal := _mixed_studies(headers):
        return refusal
    clock = clock_for(headers, labels, limits)
    if clock is None:
        return _no_time(len(headers), choose_index(headers, labels))
    grid = assemble(columns_of(selection.images, labels, along, clock))
    if isinstance(grid, Refusal):
        return grid
    return limits.verdict(grid.time_s, grid.missing) or _series(selection, grid, clock)


def clock_for(
    headers: Sequence[Header], labels: NDArray[np.intp], limits: Eligibility
) -> Clock | None:
    """The images' clock; without one, their count of time points if the limits give it seconds.

    Parameters
    ----------
    headers, labels
        As of :func:`node.series.timing.choose_clock`.
    limits
        What a series must have.
    """
    clock = choose_clock(headers, labels)
    if clock is not None or limits.index_interval_s is None:
        return clock
    index = choose_index(headers, labels)
    return clock_of(index, headers, limits.index_interval_s) if index else None


def _selected(instances: list[Instance], limits: Eligibility) -> Selection | Refusal:
    """The images to group, after the site's rules."""
    rule = deciding_rule((i.header for i in instances), limits.rules, limits.peer)
    if rule is None or rule.action != "skip":
        taken = rule is not None and rule.action == "analyse"
        chosen = select(instances, accept_derived=limits.accept_derived or taken)
        if rule is None or isinstance(chosen, Refusal):
            return chosen
        words = "take" if taken else "have a rule for"
        told = f"the settings {words} this series ({rule})"
        if rule.effects:
            told += f": {rule.effects}"
        return replace(chosen, notes=(told, *chosen.notes))
    return Refusal(
        RefusalCode.NOT_SELECTED,
        found=f"the settings leave this series out ({rule})",
        remedy="Nothing, if that is meant; else change analysis.rules in the settings.",
    )


def _mixed_studies(headers: Sequence[Header]) -> Refusal | None:
    """The refusal of images that share a series UID and no study: perhaps two patients."""
    studies = Counter(header.study_instance_uid for header in headers)
    if len(studies) == 1:
        return None
    counts = ", ".join(str(count) for _, count in studies.most_common())
    return Refusal(
        RefusalCode.MIXED_STUDIES,
        found=f"the images of the series belong to {len(studies)} studies ({counts} images)",
        remedy="Give each study's series a Series Instance UID of its own and send them again.",
    )


def _no_time(count: int, index: str) -> Refusal:
    found = f"no clock tells the {count} images apart in time"
    remedy = "Send the series with AcquisitionTime or ContentTime as the scanner wrote them."
    if index:
        found += f"; {index} counts the time points, without seconds"
        remedy += (
            " If that cannot be done and the scanner images each slice at one known interval,"
            " analysis.index_interval_s may name it."
        )
    return Refusal(RefusalCode.NO_TIME, found=found, remedy=remedy)


def _series(selection: Selection, grid: Grid, clock: Clock) -> CtpSeries:
    first = selection.images[0].header
    return CtpSeries(
        study_instance_uid=first.study_instance_uid,
        series_instance_uid=first.series_instance_uid,
        description=first.series_description,
        grid=grid.rows,
        time_s=grid.time_s,
        geometry=_geometry(grid),
        time_source=clock.source,
        notes=(
            *selection.notes,
            *([clock.note] if clock.note else []),
            *grid.notes,
            *_acquisition_notes(grid),
            *_loss_notes(grid),
        ),
    )


def _geometry(grid: Grid) -> Geometry:
    """Each slice where most of its images lie; the rest from the first image."""
    columns = [
        [i.header for i in column if i is not None] for column in zip(*grid.rows, strict=True)
    ]
    first = columns[0][0]
    if first.orientation is None or first.pixel_mm is None:
        raise ValueError("an image without geometry was selected")
    position_mm = np.array([np.median([h.position_mm for h in c], axis=0) for c in columns])
    return Geometry(
        position_mm=position_mm,
        orientation=first.orientation,
        pixel_mm=first.pixel_mm,
        rows=first.rows,
        columns=first.columns,
        slice_thickness_mm=_thickness_mm(first),
        frame_of_reference_uid=first.frame_of_reference_uid,
    )


def _thickness_mm(header: Header) -> float:
    """The nominal thickness, 1 mm where it is absent or none: positions say how slices lie."""
    thickness_mm = header.slice_thickness_mm or 0.0
    return thickness_mm if thickness_mm > 0 else 1.0


def _loss_notes(grid: Grid) -> list[str]:
    lossy = sum(i.header.lossy for row in grid.rows for i in row if i is not None)
    return [f"lossy compression has changed {lossy} image(s)"] if lossy else []


def _acquisition_notes(grid: Grid) -> list[str]:
    """What a reader should know of how the scan was taken."""
    spread_s = float(np.median(np.ptp(grid.time_s, axis=1)))
    interval_s = float(np.median(np.diff(grid.time_s, axis=0)))
    if spread_s <= 0.3 * interval_s:
        return []
    return [f"the slices of a volume are up to {spread_s:.1f} s apart (shuttle)"]
