"""Two sets of results for one scan: figures of agreement that are known beforehand."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.comparison import Side, compared, picture, sides
from node.comparison.sides import quantity_in, segment_in
from node.comparison.volume import Volume, onto
from node.perfusion import Quantity
from node.series import Geometry
from tests.support.prompt import perfusion_node
from tests.unit.derived.case import Case, case

GRID = Geometry(
    position_mm=np.array([[0.0, 0.0, 5.0 * z] for z in range(6)]),
    orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    pixel_mm=(2.0, 2.0),
    rows=40,
    columns=48,
    slice_thickness_mm=5.0,
    frame_of_reference_uid="1.2.3",
)


def field_at(grid: Geometry) -> np.ndarray:
    """A value that changes evenly over the patient, at the voxels of a grid."""
    z = grid.position_mm[:, 2][:, None, None]
    y = grid.position_mm[0, 1] + np.arange(grid.rows)[None, :, None] * grid.pixel_mm[0]
    x = grid.position_mm[0, 0] + np.arange(grid.columns)[None, None, :] * grid.pixel_mm[1]
    return (10.0 + 0.1 * x + 0.2 * y + 0.3 * z).astype(np.float32)


def side(values: np.ndarray, grid: Geometry = GRID, **segments: np.ndarray) -> Side:
    found = Side("1.2")
    found.maps[Quantity.CBF] = Volume(values.astype(np.float32), grid)
    for name, mask in segments.items():
        found.segments[name] = Volume(mask.astype(np.float32), grid)
    return found


def test_values_are_found_again_on_any_grid() -> None:
    """Finer, shifted and with other slices: by the patient's coordinates, linear in between."""
    other = replace(
        GRID,
        position_mm=np.array([[7.0, 3.0, z] for z in (2.0, 11.0, 20.0)]),
        pixel_mm=(0.9, 1.1),
        rows=60,
        columns=50,
    )
    found = onto(Volume(field_at(GRID), GRID), other)
    assert found is not None
    assert np.isfinite(found).all()
    assert np.abs(found - field_at(other)).max() < 1e-3


def test_what_lies_outside_has_no_value() -> None:
    """Neither beyond the last slice nor beside the last column."""
    far = replace(GRID, position_mm=GRID.position_mm + np.array([60.0, 0.0, 20.0]))
    found = onto(Volume(field_at(GRID), GRID), far)
    assert found is not None
    assert np.isnan(found[:, :, -1]).all()
    assert np.isnan(found[-1]).all()
    assert np.isfinite(found[0, 0, 0])


def test_other_planes_are_not_compared() -> None:
    """Oblique maps are told, not resampled into something else."""
    tilted = replace(GRID, orientation=(1.0, 0.0, 0.0, 0.0, 0.9, 0.436))
    assert onto(Volume(field_at(GRID), GRID), tilted) is None
    found = compared(side(field_at(GRID)), side(field_at(GRID), tilted))
    assert not found.maps
    assert "oblique" in found.notes[0]


def test_a_map_that_is_higher_by_a_known_amount_is_so_by_that_amount() -> None:
    """Bias is this node's less theirs; the same shape correlates wholly."""
    theirs = field_at(GRID)
    (agreed,) = compared(side(theirs + 2.0), side(theirs)).maps
    assert agreed.r == pytest.approx(1.0)
    assert agreed.bias == pytest.approx(2.0, abs=1e-4)
    assert (agreed.low, agreed.high) == (
        pytest.approx(2.0, abs=1e-3),
        pytest.approx(2.0, abs=1e-3),
    )
    assert agreed.mean_theirs == pytest.approx(float(theirs.mean()), rel=1e-4)


def test_maps_are_compared_inside_this_nodes_brain() -> None:
    """What theirs shows of bone and air is no disagreement."""
    brain = np.zeros((6, 40, 48), bool)
    brain[1:5, 10:30, 10:30] = True
    theirs = np.where(brain, field_at(GRID), 4000.0)
    (agreed,) = compared(side(field_at(GRID), brain=brain), side(theirs)).maps
    assert agreed.voxels == brain.sum()
    assert agreed.bias == pytest.approx(0.0, abs=1e-4)


def test_overlap_and_volumes_of_segments_are_counted() -> None:
    """Two boxes that share half: Dice 0.5, each with its own volume; mismatch by subtraction."""
    core, other, whole = (np.zeros((6, 40, 48), bool) for _ in range(3))
    core[2:4, 10:20, 10:20] = True
    other[2:4, 10:20, 15:25] = True
    whole[1:5, 8:30, 8:30] = True
    maps = field_at(GRID)
    found = compared(
        side(maps, core=core, hypoperfusion=whole),
        side(maps, core=other, hypoperfusion=whole),
    )
    agreed = {each.name: each for each in found.segments}
    assert agreed["core"].dice == pytest.approx(0.5)
    assert agreed["core"].ours_ml == pytest.approx(core.sum() * 0.02)
    assert agreed["hypoperfusion"].dice == 1.0
    assert agreed["mismatch"].ours_ml == pytest.approx((whole & ~core).sum() * 0.02)


@pytest.mark.parametrize(
    ("words", "quantity"),
    [
        ("RAPID Tmax [s]", Quantity.TMAX),
        ("T-MAX", Quantity.TMAX),
        ("rCBF map", None),
        ("CBF map", Quantity.CBF),
        ("CBF and CBV", None),
        ("Head 5.0", None),
    ],
)
def test_a_map_is_known_by_its_name(words: str, quantity: Quantity | None) -> None:
    """One quantity, as a word; a relative one has another unit and is left out."""
    assert quantity_in(words) is quantity


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Core (rCBF < 30 %)", "core"),
        ("Infarct", "core"),
        ("Hypoperfusion (Tmax > 6 s, core included)", "hypoperfusion"),
        ("Penumbra", "mismatch"),
        ("Brain", "brain"),
        ("Lesion 1", None),
    ],
)
def test_a_segment_is_known_by_its_label(label: str, name: str | None) -> None:
    """In the words that perfusion software uses."""
    assert segment_in(label) == name


def results(given: Case, folder: Path, *kinds: str) -> Path:
    """Objects of these kinds as files."""
    folder.mkdir()
    for n, made in enumerate(given.encoded()):
        if made.kind in kinds:
            made.dataset.save_as(folder / f"{n}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture(scope="module")
def given() -> Case:
    """A head with a lesion, and every kind of object of its maps."""
    made = case()
    wanted = ("background", "colour", "parametric_map", "derived_ct", "segmentation")
    return replace(made, options=replace(made.options, kinds=wanted))


def test_greyscale_maps_agree_with_the_float_maps_of_the_same_analysis(
    given: Case, tmp_path: Path
) -> None:
    """As a software that sends maps as CT images would be read: to within half a grey level."""
    ours = results(given, tmp_path / "ours", "parametric_map", "segmentation", "colour")
    theirs = results(given, tmp_path / "theirs", "derived_ct", "segmentation", "background")
    said = perfusion_node("compare", ours, theirs, "--json", "--out", tmp_path / "out")
    assert said.code == 0
    (study,) = said.json
    assert {each["quantity"] for each in study["maps"]} == {str(q) for q in Quantity}
    for each in study["maps"]:
        assert each["r"] == pytest.approx(1.0, abs=1e-4)
        assert max(map(abs, each["limits"])) < 0.02
    assert {s["name"]: s["dice"] for s in study["segments"]} == {
        "core": 1.0,
        "hypoperfusion": 1.0,
        "mismatch": 1.0,
        "brain": 1.0,
    }
    with (tmp_path / "out" / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(study["maps"]) + len(study["segments"])
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_segments_have_the_volumes_that_the_node_says(given: Case, tmp_path: Path) -> None:
    """Read from the object, frames without a voxel included."""
    folder = results(given, tmp_path / "ours", "segmentation", "parametric_map")
    (study,) = perfusion_node("compare", folder, folder, "--json").json
    voxel_ml = float(np.prod(given.geometry.spacing_mm)) / 1000.0
    core = next(s for s in study["segments"] if s["name"] == "core")
    lesion = given.findings.lesion
    assert core["ours_ml"] == pytest.approx(float(lesion.core.sum()) * voxel_ml, rel=1e-3)


def test_another_unit_is_brought_to_ours(given: Case, tmp_path: Path) -> None:
    """Ten times as large as it should be, and told so: the maps agree."""
    folder = results(given, tmp_path / "ours", "parametric_map")
    (study,) = perfusion_node("compare", folder, folder, "--scale", "cbv=10", "--json").json
    agreed = {each["quantity"]: each for each in study["maps"]}
    assert agreed["CBV"]["bias"] == pytest.approx(-0.9 * agreed["CBV"]["mean_theirs"], rel=1e-3)
    assert agreed["CBF"]["bias"] == pytest.approx(0.0, abs=1e-6)


def test_a_scale_that_is_none_is_a_bad_call(tmp_path: Path) -> None:
    """Exit code 2, with what it may be."""
    said = perfusion_node("compare", tmp_path, tmp_path, "--scale", "flow=2")
    assert said.code == 2
    assert "cbf, cbv" in said.err


def test_folders_without_maps_are_told(tmp_path: Path) -> None:
    """Exit code 1: nothing was compared."""
    (tmp_path / "notes.txt").write_text("no DICOM")
    assert perfusion_node("compare", tmp_path, tmp_path).code == 1


def test_a_comparison_of_many_studies_is_one_picture() -> None:
    """Studies with and without a map, drawn together."""
    maps = field_at(GRID)
    box = np.zeros((6, 40, 48), bool)
    box[2:4, 10:20, 10:20] = True
    studies = [compared(side(maps + n, core=box), side(maps, core=box)) for n in range(3)]
    assert len(picture(studies)) > 10_000
    assert sides([], {}) == []
