"""Slabs of a shuttle that came as series: put together where they are one scan, else left alone."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from node.series.clocks import DAY_S
from tests.support.ctp import CtpSpec, build_series, header_of

SPEC = CtpSpec(slices=6, frames=12, rows=4, slab_offset_s=2.0)
Change = Callable[[Header], Header]


def headers(spec: CtpSpec = SPEC, slabs: int = 2, name: str = "CTP") -> list[list[Header]]:
    """The headers of each slab's series, from the feet up."""
    of_slab: list[list[Header]] = [[] for _ in range(slabs)]
    for number, dataset in enumerate(build_series(spec)):
        slab = number % spec.slices * slabs // spec.slices
        header = replace(
            header_of(dataset),
            series_instance_uid=f"{spec.series_instance_uid}.{slab + 1}",
            series_description=f"{name} slab {slab + 1}",
        )
        of_slab[slab].append(header)
    return of_slab


LOWER, UPPER = headers()


def volumes(*series: Sequence[Header]) -> list[Volume]:
    made = [volume_of(of_series) for of_series in series]
    return [volume for volume in made if volume is not None]


def joined(*series: Sequence[Header]) -> list[list[str]]:
    """Which series belong together, in any order that they came in."""
    found = volumes(*series)
    random.Random(5).shuffle(found)
    return [[v.series_instance_uid for v in scan] for scan in scans_among(found)]


def uids(*series: Sequence[Header]) -> list[str]:
    return [of_series[0].series_instance_uid for of_series in series]


def later(seconds: float) -> Change:
    return lambda h: replace(h, times_s=tuple((c, s + seconds) for c, s in h.times_s))


def relative(header: Header) -> Header:
    since_s = dict(header.times_s)["AcquisitionTime"] - dict(LOWER[0].times_s)["AcquisitionTime"]
    return replace(header, times_s=(("FrameReferenceTime", since_s),))


def moved(along_mm: float) -> Change:
    def change(header: Header) -> Header:
        x, y, z = header.position_mm or (0.0, 0.0, 0.0)
        return replace(header, position_mm=(x, y, z + along_mm))

    return change


def test_two_slabs_put_together_are_the_scan_of_one_series() -> None:
    """The same grid and geometry, and each slice at its own time."""
    apart = {
        s[0].series_instance_uid: [Instance(h, Path(f"/{h.sop_instance_uid}")) for h in s]
        for s in (LOWER, UPPER)
    }
    [images] = put_together(apart)
    found = recognise(images)
    single = recognise([Instance(header_of(d), Path("/x")) for d in build_series(SPEC)])
    assert isinstance(found, CtpSeries)
    assert isinstance(single, CtpSeries)
    np.testing.assert_array_equal(found.time_s, single.time_s)
    assert found.time_s[0].tolist() == [0.0, 0.0, 0.0, 2.0, 2.0, 2.0]
    np.testing.assert_array_equal(found.geometry.position_mm, single.geometry.position_mm)
    assert found.sop_instance_uids == single.sop_instance_uids


@pytest.mark.parametrize("slabs", [2, 3])
def test_slabs_that_follow_one_another_are_one_scan(slabs: int) -> None:
    """Two or more, whatever order they came in."""
    series = headers(SPEC, slabs)
    assert joined(*series) == [uids(*series)]


def test_slabs_that_lack_some_images_are_one_scan() -> None:
    """What is missing is told later; a few images do not part the slabs."""
    assert joined(LOWER[:-2], UPPER[4:]) == [uids(LOWER, UPPER)]


OTHERS: dict[str, Change] = {
    "another study": lambda h: replace(h, study_instance_uid="1.2.3"),
    "another frame of reference": lambda h: replace(h, frame_of_reference_uid="1.2.3"),
    "another kernel": lambda h: replace(h, kernel="BONE"),
    "another matrix": lambda h: replace(h, rows=8),
    "another thickness": lambda h: replace(h, slice_thickness_mm=10.0),
    "derived": lambda h: replace(h, image_type=("DERIVED", "PRIMARY", "AXIAL")),
    "overlapping": moved(-5.0),
    "the same place": moved(-15.0),
    "a slice between them is missing": moved(5.0),
    "a second run": later(300.0),
    "right after it": later(48.0),
    "another clock": lambda h: replace(h, times_s=h.times_s[1:]),
    "no clock": lambda h: replace(h, times_s=()),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_what_is_no_slab_of_the_same_scan_is_left_alone(change: Change) -> None:
    """It differs in one of these, and is analysed by itself."""
    assert joined(LOWER, [change(h) for h in UPPER]) == []


def test_slabs_of_another_rhythm_are_left_alone() -> None:
    """Half as many time points over the same time are another acquisition."""
    times = {s: n for n, s in enumerate(sorted({dict(h.times_s)["ContentTime"] for h in UPPER}))}
    half = [h for h in UPPER if times[dict(h.times_s)["ContentTime"]] % 2 == 0]
    assert joined(LOWER, half) == []


def each_time(series: Sequence[Header]) -> list[list[Header]]:
    """The slab's time points as series of their own."""
    times = sorted({dict(h.times_s)["ContentTime"] for h in series})
    apart: list[list[Header]] = [[] for _ in times]
    for h in series:
        at = times.index(dict(h.times_s)["ContentTime"])
        apart[at].append(replace(h, series_instance_uid=f"{h.series_instance_uid}.{at + 1}"))
    return apart


def test_two_places_in_turn_are_one_scan_whose_every_volume_is_a_series() -> None:
    """Time points of two places, imaged over the same time, are all of one scan."""
    lower, upper = each_time(LOWER), each_time(UPPER)
    [found] = joined(*lower, *upper)
    assert sorted(found) == sorted(uids(*lower, *upper))


def test_a_place_with_too_few_time_points_is_no_slab_yet() -> None:
    """Four of the upper place may become a scan; until then the lower ones are by themselves."""
    lower, upper = each_time(LOWER), each_time(UPPER)
    assert joined(*lower, *upper[:4]) == [uids(*lower)]


def test_two_places_one_after_the_other_are_two_scans() -> None:
    """Volumes of each place as series do not make one scan of two."""
    second = [[later(60.0)(h) for h in series] for series in each_time(UPPER)]
    assert sorted(map(len, joined(*each_time(LOWER), *second))) == [12, 12]


@pytest.mark.parametrize("seconds", [-0.5, -1.5, -20.0])
def test_midnight_does_not_part_slabs_that_carry_no_date(seconds: float) -> None:
    """Whether both of them, or only the one imaged later, begin on the new day."""
    first_s = min(dict(h.times_s)["AcquisitionTime"] for h in LOWER)

    def at_night(header: Header) -> Header:
        since_s = dict(header.times_s)["AcquisitionTime"] - first_s
        return replace(header, times_s=(("AcquisitionTime", (since_s + seconds) % DAY_S),))

    night = [[at_night(h) for h in series] for series in (LOWER, UPPER)]
    assert joined(*night) == [uids(LOWER, UPPER)]


def test_slabs_without_the_time_of_day_are_left_alone() -> None:
    """A clock that begins with each series does not tell how far apart two of them are."""
    assert joined(*([relative(h) for h in series] for series in (LOWER, UPPER))) == []


def test_two_reconstructions_are_paired_by_their_names() -> None:
    """Descriptions, but for their numbers, tell which slabs belong together."""
    other = headers(replace(SPEC, series_uid="1.9"), name="CTP MAR")
    found = joined(LOWER, UPPER, *other)
    assert sorted(found) == sorted([uids(LOWER, UPPER), uids(*other)])
    unnamed = [[replace(h, series_description="") for h in s] for s in (LOWER, other[0], UPPER)]
    assert joined(*unnamed) == []
