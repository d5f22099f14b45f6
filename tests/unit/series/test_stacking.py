"""A series' pixels as one scan: binning, geometry, gaps, damage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.errors import SpoolError
from node.refusals import Refusal, RefusalCode
from node.series import CtpSeries, Eligibility, Instance, Stacked, read_header, recognise, stack
from tests.support.ctp import CtpSpec, build_series, ctp_series, head_scan, write_series
from tests.support.enhanced import enhanced

FINE = CtpSpec(rows=32, pixel_mm=0.45)
SLOPE = 0.5**0.5


def stacked(series: CtpSeries, max_pixel_mm: float) -> Stacked:
    outcome = stack(series, max_pixel_mm)
    assert isinstance(outcome, Stacked), outcome
    return outcome


def without(series: CtpSeries, *cells: tuple[int, int]) -> CtpSeries:
    """The series with these (frame, slice) images missing."""
    grid = tuple(
        tuple(None if (t, z) in cells else image for z, image in enumerate(row))
        for t, row in enumerate(series.grid)
    )
    return replace(series, grid=grid)


def test_a_folder_of_files_becomes_the_scan_it_was_made_of(tmp_path: Path) -> None:
    """Headers, recognition and pixels together give back the attenuation, value for value."""
    spec = CtpSpec(shuffle=3, slab_offset_s=2.0)
    paths = write_series(build_series(spec), tmp_path)
    series = recognise([Instance(read_header(path), path) for path in paths])
    assert isinstance(series, CtpSeries)
    scan, truth = stacked(series, 1.0).scan, head_scan(spec)
    np.testing.assert_array_equal(scan.hu, np.clip(truth.hu, -1024, 3071))
    np.testing.assert_allclose(scan.time_s, truth.time_s, atol=1e-6)
    assert scan.spacing_mm == truth.spacing_mm
    assert not scan.missing.any()


@pytest.mark.parametrize(
    ("max_pixel_mm", "factor"), [(0.1, 1), (0.45, 1), (0.9, 2), (1.0, 2), (1.35, 3), (1e3, 32)]
)
def test_pixels_are_averaged_up_to_the_largest_allowed(
    max_pixel_mm: float, factor: int, tmp_path: Path
) -> None:
    """Blocks of f x f pixels become their mean, f the most that the limit allows."""
    outcome = stacked(ctp_series(replace(FINE, frames=2), tmp_path), max_pixel_mm)
    truth = head_scan(replace(FINE, frames=2)).hu
    side = 32 // factor
    blocks = truth[..., : side * factor, : side * factor].reshape(
        *truth.shape[:2], side, factor, side, factor
    )
    np.testing.assert_allclose(outcome.scan.hu, blocks.mean(axis=(3, 5)), atol=1e-3)
    assert outcome.geometry.pixel_mm == pytest.approx((0.45 * factor, 0.45 * factor))
    assert outcome.scan.spacing_mm == outcome.geometry.spacing_mm


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (1, 0, 0, 0, -1, 0), (SLOPE, SLOPE, 0, -0.5, 0.5, SLOPE)]
)
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_binning_leaves_every_point_where_it_is_in_the_patient(
    orientation: tuple[float, float, float, float, float, float], factor: int
) -> None:
    """The centre of a binned pixel is the mean of the centres it was made of."""
    geometry = CtpSpec(rows=32, pixel_mm=0.45, orientation=orientation).geometry
    geometry = replace(geometry, pixel_mm=(0.45, 0.6))
    binned = geometry.binned(factor)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])

    def centre(g: object, z: int, y: float, x: float) -> np.ndarray:
        step_y, step_x = g.pixel_mm  # type: ignore[attr-defined]  # a Geometry
        return g.position_mm[z] + y * step_y * column + x * step_x * row  # type: ignore[attr-defined]  # as above

    for z, y, x in [(0, 0, 0), (1, 2, 5), (3, 9, 4)]:
        block = [
            centre(geometry, z, y * factor + i, x * factor + j)
            for i in range(factor)
            for j in range(factor)
        ]
        np.testing.assert_allclose(centre(binned, z, y, x), np.mean(block, axis=0), atol=1e-9)


THIN = CtpSpec(slices=12, frames=3, rows=8, spacing_mm=1.0, slab_offset_s=1.0)


def test_thin_slices_become_their_mean(tmp_path: Path) -> None:
    """Twelve slices of 1 mm make two of 5 mm, in their middle, at their mean time."""
    series = ctp_series(THIN, tmp_path)
    outcome, truth = stacked(series, 6.25), head_scan(THIN)
    groups = [slice(1, 6), slice(6, 11)]
    for z, group in enumerate(groups):
        np.testing.assert_allclose(
            outcome.scan.hu[:, z], truth.hu[:, group].mean(axis=1), atol=1e-3
        )
        middle = THIN.geometry.position_mm[group].mean(axis=0)
        np.testing.assert_allclose(outcome.geometry.position_mm[z], middle, atol=1e-6)
    np.testing.assert_allclose(outcome.scan.time_s[0], [0.0, 1.0], atol=1e-6)
    assert outcome.scan.spacing_mm[0] == pytest.approx(5.0)
    assert outcome.geometry.slice_thickness_mm == pytest.approx(5.0)
    shown = series.shown_in(outcome.geometry)
    assert [len(images) for images in shown] == [15, 15]
    assert shown[1][:5] == series.grid[0][6:11]
    assert shown[1][5:10] == series.grid[1][6:11]


@pytest.mark.parametrize(
    ("spacing_mm", "max_slice_mm", "slices"),
    [(5.0, 5.0, 12), (3.0, 5.0, 12), (2.5, 5.0, 6), (0.62512, 5.0, 2), (0.5, 0.5, 12)],
)
def test_slices_are_averaged_up_to_the_largest_distance_allowed(
    spacing_mm: float, max_slice_mm: float, slices: int, tmp_path: Path
) -> None:
    """As many as keep the means' distance within the limit, and never all in one."""
    series = ctp_series(replace(THIN, spacing_mm=spacing_mm, frames=1), tmp_path)
    outcome = stack(series, 6.25, max_slice_mm)
    assert isinstance(outcome, Stacked)
    assert outcome.scan.shape[1] == slices


@pytest.mark.parametrize(("slices", "means"), [(12, 2), (16, 4), (20, 4), (26, 6)])
def test_no_mean_is_of_two_slabs(slices: int, means: int, tmp_path: Path) -> None:
    """Fewer slices become one where as many as may would straddle the border."""
    spec = replace(THIN, slices=slices, slab_offset_s=2.0)
    time_s = stacked(ctp_series(spec, tmp_path), 6.25).scan.time_s
    assert time_s[0].tolist() == [0.0] * (means // 2) + [2.0] * (means // 2)


def test_slices_with_a_hole_between_them_are_not_averaged(tmp_path: Path) -> None:
    """A mean over the hole would lie where nothing was imaged."""
    series = ctp_series(THIN, tmp_path)
    position_mm = series.geometry.position_mm.copy()
    position_mm[6:, 2] += 4.0
    apart = replace(series, geometry=replace(series.geometry, position_mm=position_mm))
    assert stacked(apart, 6.25).scan.shape[1] == 12


def test_a_mean_that_lacks_an_image_is_made_of_the_others(tmp_path: Path) -> None:
    """The one that is missing is interpolated in time, and the mean counts as missing."""
    series = without(ctp_series(THIN, tmp_path), (1, 3))
    scan, hu = stacked(series, 6.25).scan, head_scan(THIN).hu.copy()
    hu[1, 3] = (hu[0, 3] + hu[2, 3]) / 2
    np.testing.assert_allclose(scan.hu[1, 0], hu[1, 1:6].mean(axis=0), atol=1e-3)
    assert np.argwhere(scan.missing).tolist() == [[1, 0]]


def test_thin_slices_of_an_enhanced_ct_give_the_same_means(tmp_path: Path) -> None:
    """Frames of one file or files of their own: the same pixels to the bit."""
    plain = build_series(replace(THIN, frames=6))
    series = []
    for name, datasets in {"classic": plain, "enhanced": [enhanced(plain)]}.items():
        paths = write_series(datasets, tmp_path / name)
        limits = Eligibility(min_frames=5, min_coverage_s=1.0)
        series.append(recognise([Instance(read_header(p), p) for p in paths], limits))
    one, other = (stacked(each, 6.25) for each in series if isinstance(each, CtpSeries))
    assert one.scan.shape == (6, 2, 8, 8)
    np.testing.assert_array_equal(one.scan.hu, other.scan.hu)


def test_a_missing_image_is_interpolated_in_time(tmp_path: Path) -> None:
    """Between its neighbours linearly by their times; at the ends the nearest is held."""
    series = ctp_series(CtpSpec(frames=5), tmp_path)
    late = series.time_s.copy()
    late[3:, 1] += 4.0
    series = replace(series, time_s=late)
    scan = stacked(without(series, (2, 1), (0, 2), (4, 3)), 1.0).scan
    hu = np.clip(head_scan(CtpSpec(frames=5)).hu, -1024, 3071)
    between = hu[1, 1] + (8.0 - 4.0) / (16.0 - 4.0) * (hu[3, 1] - hu[1, 1])
    np.testing.assert_allclose(scan.hu[2, 1], between, atol=1e-3)
    np.testing.assert_array_equal(scan.hu[0, 2], hu[1, 2])
    np.testing.assert_array_equal(scan.hu[4, 3], hu[3, 3])
    assert np.argwhere(scan.missing).tolist() == [[0, 2], [2, 1], [4, 3]]


def test_progress_counts_every_image(tmp_path: Path) -> None:
    """A progress bar is told after each image how many of how many are read."""
    series = ctp_series(CtpSpec(frames=3), tmp_path)
    seen: list[tuple[int, int]] = []
    stack(series, 1.0, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 12) for i in range(1, 13)]


def test_unreadable_pixels_are_a_refusal_that_counts_them(tmp_path: Path) -> None:
    """The refusal says how many images, of how many, and why."""
    series = ctp_series(CtpSpec(frames=3), tmp_path)
    for image in series.instances[:2]:
        image.path.write_bytes(image.path.read_bytes()[:-100])
    outcome = stack(series, 1.0)
    assert isinstance(outcome, Refusal)
    assert outcome.code is RefusalCode.UNREADABLE_PIXELS
    assert outcome.found.startswith("2 of 12 images cannot be read: the pixel data is truncated")


def test_pixels_of_another_size_than_the_header_said_are_a_refusal(tmp_path: Path) -> None:
    """A file that changed under the node is not squeezed into the grid."""
    series = ctp_series(CtpSpec(frames=3), tmp_path)
    write_series(build_series(CtpSpec(frames=1, slices=1, rows=16)), tmp_path)
    outcome = stack(series, 1.0)
    assert isinstance(outcome, Refusal)
    assert "1 of 12" in outcome.found


def test_a_file_that_is_gone_is_a_fault_of_the_spool(tmp_path: Path) -> None:
    """The disk lost it: a fault that may be tried again, not a verdict on the data."""
    series = ctp_series(CtpSpec(frames=3), tmp_path)
    series.instances[5].path.unlink()
    with pytest.raises(SpoolError):
        stack(series, 1.0)
