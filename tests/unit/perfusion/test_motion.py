"""Movement of the head: found, taken out, told, and left alone where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from node.perfusion import Corrected, DynamicCt, Motion, correct_motion
from node.perfusion.motion.grid import Grid
from node.perfusion.motion.resampling import brought_back
from node.perfusion.motion.rigid import pose_of, rigid
from node.refusals import Refusal, RefusalCode
from tests.support.moving_head import PIXELS, REST, Pose, image, moving_scan

TURNED: Pose = (0.0, 0.0, 0.0, 6.0, 0.0, 0.0)
SHIFTED: Pose = (0.0, -6.0, 5.0, 0.0, 0.0, 0.0)
JUMPED: Pose = (2.0, -3.0, 4.0, 3.0, -2.0, 1.5)


def corrected(scan: DynamicCt) -> Corrected:
    """The correction of a scan that must not be refused."""
    found = correct_motion(scan)
    assert isinstance(found, Corrected), found
    return found


def blurred(scan: DynamicCt, frames: list[int]) -> DynamicCt:
    """The scan with frames during which the head jumped by 8 mm."""
    hu = scan.hu.copy()
    here, there = (image((0, y, 0, 0, 0, 0), slices=scan.shape[1]) for y in (0, 8))
    hu[frames] = ((here + there) / 2).astype(np.float32)
    return replace(scan, hu=hu)


def brain() -> tuple[slice, ...]:
    """Brain with fluid in it, away from bone, in the inner slices."""
    middle = slice(PIXELS // 2 - 18, PIXELS // 2 + 18)
    return slice(2, -2), middle, middle


@pytest.mark.parametrize(
    "pose",
    [
        (0.0, 6.0, 0.0, 0.0, 0.0, 0.0),
        (5.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        TURNED,
        (0.0, 0.0, 0.0, 0.0, 6.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0, -3.0),
        JUMPED,
        (-3.0, 12.0, -9.0, 10.0, 2.0, -2.0),
    ],
    ids=str,
)
def test_a_moved_head_is_found_while_contrast_passes(pose: Pose) -> None:
    """Any rigid movement is known to 0.5 mm and 0.5 degrees, whatever fills beside the skull."""
    motion = corrected(moving_scan([REST, pose, REST], slices=12, contrast_hu=350.0)).motion
    apart = pose_of(motion.transforms[:, 0] @ np.linalg.inv(rigid(np.array(pose))))[1]
    assert np.linalg.norm(apart[:3]) < 0.5
    assert np.linalg.norm(apart[3:]) < 0.5
    assert motion.turned_deg[1] == pytest.approx(np.linalg.norm(pose[3:]), abs=0.5)


@pytest.mark.parametrize("slices", [2, 3, 5])
def test_a_thin_slab_is_not_thrown_out_of_its_plane(slices: int) -> None:
    """What few slices say little about stays near rest: a shift in the plane is no tilt."""
    motion = corrected(moving_scan([REST, (0.0, 3.0, 0.0, 0.0, 0.0, 0.0)], slices=slices)).motion
    assert motion.poses[1, 0] == pytest.approx([0, 3, 0, 0, 0, 0], abs=0.5)


def test_a_head_at_rest_keeps_its_pixels() -> None:
    """Contrast alone is no movement: the very same scan comes back."""
    scan = moving_scan([REST] * 4, contrast_hu=350.0, noise_hu=15.0)
    found = corrected(scan)
    assert found.scan is scan
    assert found.motion.most_mm < 0.25


def test_only_frames_that_moved_are_changed() -> None:
    """Frames at rest are equal to the bit; those that moved show tissue where it was at first."""
    scan = moving_scan([REST, JUMPED, REST, SHIFTED], noise_hu=1.0)
    found = corrected(scan)
    assert found.motion.corrected.tolist() == [False, True, False, True]
    assert np.array_equal(found.scan.hu[[0, 2]], scan.hu[[0, 2]])
    for frame in (1, 3):
        first, *both = (
            each[brain()] for each in (scan.hu[0], scan.hu[frame], found.scan.hu[frame])
        )
        before, after = (float(np.sqrt(((hu - first) ** 2).mean())) for hu in both)
        assert after < 0.7 * before


def test_a_frame_during_which_the_head_moved_is_left_out() -> None:
    """A double skull fits nowhere; the other frames keep their times."""
    scan = blurred(moving_scan([REST] * 6), [2])
    found = corrected(scan)
    assert found.motion.excluded.tolist() == [False, False, True, False, False, False]
    assert np.array_equal(found.scan.time_s, np.delete(scan.time_s, 2, axis=0))
    assert len(found.motion.moved_mm) == 6


def test_a_blurred_first_frame_is_no_reference() -> None:
    """Where most frames do not fit the first, one in the middle takes its place."""
    motion = corrected(blurred(moving_scan([REST] * 5), [0])).motion
    assert motion.reference == 2
    assert motion.excluded.tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("frames", [[1, 4, 6, 8], [2, 3, 4]], ids=["many", "in a row"])
def test_a_scan_beyond_repair_is_refused(frames: list[int]) -> None:
    """Where contrast cannot be followed any more, the verdict says what was found."""
    scan = blurred(moving_scan([REST] * 10), frames)
    refusal = correct_motion(replace(scan, time_s=scan.time_s * 2.0))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.MOTION
    assert f"{len(frames)} of 10 time points" in refusal.found


def test_a_scan_without_a_skull_is_left_alone() -> None:
    """Nothing is made up: movement is not known, and the scan stays as it is."""
    scan = moving_scan([REST, JUMPED])
    soft = replace(scan, hu=np.minimum(scan.hu, 80.0).astype(np.float32))
    found = corrected(soft)
    assert found.scan is soft
    assert not found.motion.measured


def test_every_slab_of_a_shuttle_has_its_pose() -> None:
    """A head that moves between two slabs of one frame is found in each of them."""
    scan = moving_scan([REST, REST, REST], slices=14)
    upper = np.arange(14) >= 7
    hu, time_s = scan.hu.copy(), scan.time_s + 1.0 * upper
    hu[1, upper] = image((0, 4, 0, 0, 0, 0), slices=14)[upper]
    found = corrected(replace(scan, hu=hu, time_s=time_s))
    assert found.motion.poses.shape == (3, 2, 6)
    assert found.motion.poses[1, :, 1] == pytest.approx([0.0, 4.0], abs=0.3)


def test_what_is_missing_is_made_up_from_images_brought_back() -> None:
    """An image that never arrived lies between its neighbours as they are after correction."""
    scan = moving_scan([REST, JUMPED, JUMPED, JUMPED])
    missing = scan.missing.copy()
    missing[2, 3] = True
    found = corrected(replace(scan, missing=missing)).scan
    assert found.hu[2, 3] == pytest.approx((found.hu[1, 3] + found.hu[3, 3]) / 2, abs=1e-3)
    assert found.missing[2, 3]


def test_an_outer_slice_keeps_its_contrast_and_no_bone_enters_it() -> None:
    """A slice moved out by less than half of itself is no copy of its neighbour, but for bone."""
    shape, spacing_mm = (6, 24, 24), (5.0, 2.0, 2.0)
    reference = np.full(shape, 35.0, np.float32)
    # The head rose by 0.4 of a slice; contrast falls by 4 HU from one slice to the next.
    contrast_hu = 20.0 - 4.0 * (np.arange(6) - 0.4)
    frame = reference + contrast_hu[:, None, None].astype(np.float32)
    frame[0, 6, 6] = 500.0
    whole = slice(0, 24), slice(0, 24)
    rose = rigid(np.array([2.0, 0.0, 0.0, 0.0, 0.0, 0.0]))[None]
    grid, slab = Grid.of(shape, spacing_mm), np.zeros(6, np.intp)
    back = brought_back(frame, reference, grid, rose, slab, whole) - reference
    assert back[:3, 16, 16] == pytest.approx([20.0, 16.0, 12.0], abs=0.5)
    assert back[0, 6, 6] < 20.0


def test_the_same_scan_is_corrected_the_same_way() -> None:
    """Results of a rerun are equal to the bit, however many cores there are."""
    scan = moving_scan([REST, JUMPED, TURNED])
    assert np.array_equal(corrected(scan).scan.hu, corrected(scan).scan.hu)


def test_damaged_pixels_are_for_the_preparation_to_refuse() -> None:
    """A value that is no number makes no fault here."""
    scan = moving_scan([REST, REST])
    hu = scan.hu.copy()
    hu[0, 0, 0, 0] = np.nan
    assert not corrected(replace(scan, hu=hu)).motion.measured


def test_what_was_left_out_is_not_the_farthest_movement() -> None:
    """A frame beyond repair says nothing about how far the head moved."""
    motion = Motion(
        time_s=np.arange(3.0),
        reference=0,
        transforms=np.tile(np.eye(4), (3, 1, 1, 1)),
        moved_mm=np.array([0.0, 3.0, 50.0]),
        turned_deg=np.array([0.0, 0.5, 40.0]),
        left_mm=np.array([0.0, 0.1, 9.0]),
        excluded=np.array([False, False, True]),
    )
    assert (motion.most_mm, motion.most_deg) == (3.0, 0.5)
    assert motion.corrected.tolist() == [False, True, False]
