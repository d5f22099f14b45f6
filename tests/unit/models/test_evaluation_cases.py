"""The cases of an evaluation: what is asked, and with which scans."""

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation import Case, Extent, KnownScan, case_sets
from models.evaluation.faults import FAULTS
from models.evaluation.known import REGIONS, known_phantom
from models.simulator import ACQUISITIONS, kudo_phantom
from node.perfusion import DynamicCt, Quantity

EXTENT = Extent(patients=2, seed=11, rows=64, slices=4, judged=9)
SMALL = Case(seed=950_003, rows=64, slices=3)


@pytest.fixture(scope="module")
def patient() -> KnownScan:
    return SMALL.make()


def test_every_question_of_the_issue_is_asked() -> None:
    """Dose, frames, scheme, residue, motion, generator, phantom, no stroke, broken scans."""
    asked = {cases.axis: list(cases.points) for cases in case_sets(EXTENT)}
    assert asked["dose"] == ["1", "1/2", "1/4", "1/8"]
    assert asked["frames"] == ["89", "44", "30", "18", "10"]
    assert asked["residue"] == ["exponential", "box", "linear", "gamma"]
    assert {"standard", "shuttle", "wide"} < set(asked["scheme"])
    others = {"no stroke", "motion", "generator", "phantom", "broken input"}
    assert {"headline", "low dose", *others} < set(asked)


def test_the_bars_are_judged_on_the_unseen_generator_by_every_scheme() -> None:
    """Forty scans say more than the same scheme forty times, and none is the training's."""
    asked = {cases.axis: cases.points for cases in case_sets(EXTENT)}
    (full,), (quarter,) = asked["headline"].values(), asked["low dose"].values()
    assert {case.generator for case in (*full, *quarter)} == {"third"}
    assert {case.scheme for case in full} == set(ACQUISITIONS)
    assert [replace(case, dose=1.0) for case in quarter] == list(full)
    assert {case.dose for case in quarter} == {0.25}


def test_questions_share_their_common_cases() -> None:
    """The full dose, the standard scheme and a head at rest are the same scans, done once."""
    asked = {cases.axis: cases.points for cases in case_sets(EXTENT)}
    assert asked["generator"]["first"] == asked["dose"]["1"] == asked["motion"]["0 mm"]
    assert asked["frames"]["89"] == asked["scheme"]["cine"]


@pytest.mark.parametrize("frames", [None, 44, 30, 18, 10])
def test_fewer_frames_cover_the_same_time(frames: int | None) -> None:
    """Frames are left out evenly; the bolus is still seen from its beginning to its end."""
    times = Case(seed=1, rows=64, slices=4, scheme="cine", frames=frames).acquisition.frame_times_s
    assert len(times) == (frames or 89)
    assert np.ptp(np.diff(times)) < 1e-9
    assert times[0] == 0.0
    assert times[-1] >= 40.0


def test_regions_part_the_tissue(patient: KnownScan) -> None:
    """Healthy, penumbra and core exclude each other and lie in the tissue."""
    whole, *others = (patient.regions[name] for name in REGIONS)
    assert np.sum(others, axis=0).max() == 1
    assert not (np.logical_or.reduce(others) & ~whole).any()
    assert all(region.any() for region in others)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_scan_is_broken_as_named(fault: str, patient: KnownScan) -> None:
    """A fault changes the scan's images and spares its truth."""
    broken: DynamicCt = FAULTS[fault](patient.scan)
    assert broken.shape[1:] == patient.scan.shape[1:]
    assert not np.array_equal(broken.hu, patient.scan.hu)


def test_a_phantom_is_compared_tile_by_tile() -> None:
    """15 slices of 7 x 7 tiles are 735 numbers, each a tile's middle with one truth."""
    known = known_phantom(kudo_phantom(shrink=4))
    assert known.parts is not None
    numbers = np.unique(known.parts[known.parts > 0])
    assert len(numbers) == 735
    inside = known.parts == numbers[100]
    assert inside.sum() >= 4
    assert all(np.ptp(known.maps[quantity][inside]) == 0 for quantity in Quantity)


def test_a_phantom_s_regions_are_its_residue_functions() -> None:
    """Five slices for each residue function; the first slice, with the vessels, is in none."""
    known = known_phantom(kudo_phantom(shrink=4))
    slices = {
        name: np.flatnonzero(m.any(axis=(1, 2))).tolist() for name, m in known.regions.items()
    }
    assert slices["exponential residue"] == [1, 2, 3, 4, 5]
    assert slices["box residue"] == [11, 12, 13, 14, 15]
    assert slices["all tissue"] == list(range(1, 16))


def test_the_third_generator_s_patients_are_known_too() -> None:
    """A scan of the generator that nothing is trained on comes with all its regions."""
    known = Case(seed=3, rows=64, slices=3, generator="third").make()
    assert set(known.regions) == set(REGIONS)
    assert known.scan.shape == (30, 3, 64, 64)


def test_motion_moves_the_head_through_the_plane() -> None:
    """A head that is asked to move does so as a rigid body, its truth staying where it was."""
    still, moved = (replace(SMALL, motion_mm=mm).make() for mm in (0.0, 5.0))
    assert np.array_equal(still.regions["core"], moved.regions["core"])
    assert not np.array_equal(still.scan.hu[-1], moved.scan.hu[-1])
