"""Series of one time point each: put together where they are one scan, left alone where not."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from node.series import (
    CtpSeries,
    Header,
    Instance,
    Volume,
    put_together,
    recognise,
    scans_among,
    volume_of,
)
from tests.support.ctp import CtpSpec, build_series, header_of
from tests.support.layouts import series_per_time_point

SPEC = CtpSpec(rows=4)
Change = Callable[[Header], Header]


@cache
def headers(spec: CtpSpec = SPEC) -> dict[str, tuple[Header, ...]]:
    """The headers of each time point's series, in the order of time."""
    found: dict[str, list[Header]] = {}
    for dataset in series_per_time_point(build_series(spec)):
        found.setdefault(str(dataset.SeriesInstanceUID), []).append(header_of(dataset))
    return {uid: tuple(of_series) for uid, of_series in found.items()}


def volumes(spec: CtpSpec = SPEC, change: Change = lambda h: h) -> list[Volume]:
    """The volumes of the spec's time points, their headers changed."""
    made = [volume_of(map(change, of_series)) for of_series in headers(spec).values()]
    return [volume for volume in made if volume is not None]


def uids(found: list[tuple[Volume, ...]]) -> list[list[str]]:
    return [[v.series_instance_uid for v in scan] for scan in found]


def test_time_points_of_one_scan_are_found_in_the_order_of_time() -> None:
    """Whatever order the series came in."""
    wanted = list(headers())
    found = volumes()
    random.Random(3).shuffle(found)
    assert uids(scans_among(found)) == [wanted]


def test_put_together_they_are_the_scan_of_one_series() -> None:
    """The same grid, times and geometry as when all images share a Series Instance UID."""
    apart = {
        uid: [Instance(h, Path(f"/{h.sop_instance_uid}")) for h in of_series]
        for uid, of_series in sorted(headers().items())
    }
    [images] = put_together(apart)
    joined = recognise(images)
    single = recognise([Instance(header_of(d), Path("/x")) for d in build_series(SPEC)])
    assert isinstance(joined, CtpSeries)
    assert isinstance(single, CtpSeries)
    np.testing.assert_array_equal(joined.time_s, single.time_s)
    np.testing.assert_array_equal(joined.geometry.position_mm, single.geometry.position_mm)
    assert joined.sop_instance_uids == single.sop_instance_uids


@pytest.mark.parametrize("frames", [2, 4])
def test_a_few_phases_in_one_series_are_no_volume(frames: int) -> None:
    """A series that shows its slices more than once, and is no perfusion, is judged by itself."""
    assert volume_of(map(header_of, build_series(replace(SPEC, frames=frames)))) is None
    assert volume_of([]) is None


OTHERS: dict[str, tuple[CtpSpec, Change]] = {
    "another study": (SPEC, lambda h: replace(h, study_instance_uid="1.2.3")),
    "another frame of reference": (SPEC, lambda h: replace(h, frame_of_reference_uid="1.2.3")),
    "another kernel": (SPEC, lambda h: replace(h, kernel="BONE")),
    "another thickness": (SPEC, lambda h: replace(h, slice_thickness_mm=0.6)),
    "another matrix": (SPEC, lambda h: replace(h, rows=8)),
    "derived": (SPEC, lambda h: replace(h, image_type=("DERIVED", "PRIMARY", "AXIAL"))),
    "a longer range, as a CTA": (
        replace(SPEC, slices=40, series_uid="1.2.9", frame_of_reference_uid=SPEC.uid("for")),
        lambda h: h,
    ),
    "the head five minutes before": (
        replace(SPEC, start=SPEC.start - timedelta(minutes=5), series_uid="1.2.9"),
        lambda h: h,
    ),
}


@pytest.mark.parametrize(("spec", "change"), OTHERS.values(), ids=OTHERS)
def test_what_else_is_in_the_study_is_not_swallowed(spec: CtpSpec, change: Change) -> None:
    """A plain CT or an angiography differs in one of these, and stays a series of its own."""
    other = volumes(replace(spec, study_uid=SPEC.study_instance_uid), change)[0]
    other = replace(other, header=replace(other.header, series_instance_uid="1.9"))
    assert uids(scans_among([*volumes(), other])) == [list(headers())]


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_a_few_phases_are_no_scan(frames: int) -> None:
    """Three phases of an angiography of the same geometry are no perfusion."""
    assert scans_among(volumes()[:frames]) == []


def test_two_runs_of_one_study_are_two_scans() -> None:
    """The second run, minutes after a failed first, has its own maps."""
    again = replace(SPEC, start=SPEC.start + timedelta(minutes=6), series_uid="1.2.9")
    second = volumes(again, lambda h: replace(h, study_instance_uid=SPEC.study_instance_uid))
    assert [len(scan) for scan in scans_among([*volumes(), *second])] == [12, 12]


def test_two_reconstructions_are_two_scans() -> None:
    """The same times twice: descriptions, but for their numbers, tell them apart."""
    other = replace(SPEC, series_uid="1.2.9", series_description="CTP thin MAR")
    assert len(scans_among([*volumes(), *volumes(other)])) == 2


def test_a_time_point_without_all_its_slices_belongs_to_its_scan() -> None:
    """Images that are missing, still to come or lost, part no time point from the others."""
    *whole, last = headers().values()
    part = volume_of(last[:2])
    assert part is not None
    found = [v for v in map(volume_of, whole) if v is not None]
    assert uids(scans_among([*found, part])) == [list(headers())]


def test_without_a_clock_there_is_no_scan() -> None:
    """Nothing says in which order the time points were taken."""
    assert scans_among(volumes(change=lambda h: replace(h, times_s=()))) == []
