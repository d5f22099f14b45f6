"""Every value comes back at the place in the patient where the analysis found it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.derived import read_map, segment_volumes_ml
from node.derived.canvas import Canvas, Margins
from node.derived.plane import letters
from node.perfusion import Quantity
from node.series import Geometry
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import TILTED, case, reread

SPECS = [
    CtpSpec(slices=3, frames=2, rows=16, pixel_mm=12.0),
    CtpSpec(slices=4, frames=2, rows=16, pixel_mm=12.5, orientation=TILTED, spacing_mm=2.5),
    CtpSpec(slices=3, frames=2, rows=16, orientation=(1, 0, 0, 0, -1, 0), spacing_mm=7.0),
    CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0),
]


def points(geometry: Geometry) -> NDArray[np.float64]:
    """(Z, Y, X, 3) patient coordinates of the pixel centres [mm], PS3.3 C.7.6.2.1.1."""
    row, column = np.array(geometry.orientation[:3]), np.array(geometry.orientation[3:])
    x = np.arange(geometry.columns)[:, None] * geometry.pixel_mm[1] * row
    y = np.arange(geometry.rows)[:, None] * geometry.pixel_mm[0] * column
    return geometry.position_mm[:, None, None] + y[None, :, None] + x[None, None]


@pytest.mark.parametrize("spec", SPECS, ids=["axial", "oblique", "descending", "one slice"])
def test_a_map_read_back_has_the_values_at_their_patient_coordinates(spec: CtpSpec) -> None:
    """A Parametric Map holds each value exactly, at the analysis' place to a micrometre."""
    given_case = case(spec)
    for quantity, dataset in zip(Quantity, given_case.of_kind("parametric_map"), strict=True):
        values, geometry = read_map(reread(dataset))
        assert np.array_equal(values, given_case.maps[quantity])
        assert np.allclose(points(geometry), points(given_case.geometry), atol=1e-3)
        assert geometry.frame_of_reference_uid == given_case.geometry.frame_of_reference_uid


@pytest.mark.parametrize("spec", SPECS, ids=["axial", "oblique", "descending", "one slice"])
def test_frames_of_a_map_ascend_along_the_normal(spec: CtpSpec) -> None:
    """3D Slicer takes frame i for slice i counted from the lowest: frames are stored so."""
    given_case = case(spec)
    dataset = given_case.of_kind("parametric_map")[0]
    frames = dataset.PerFrameFunctionalGroupsSequence
    places = [f.PlanePositionSequence[0].ImagePositionPatient for f in frames]
    along = np.array(places, float) @ given_case.geometry.normal
    assert np.all(np.diff(along) > 0)
    stored = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(given_case.maps.brain.shape)
    assert np.array_equal(stored, given_case.maps[Quantity.CBF])


def test_the_background_is_the_baseline_in_whole_hu() -> None:
    """Each background image holds its slice's baseline, rounded, at the slice's position."""
    given_case = case()
    for z, image in enumerate(given_case.of_kind("background")):
        hu = reread(image).pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        assert np.abs(hu - given_case.maps.baseline_hu[z]).max() <= 0.5
        assert np.allclose(
            np.array(image.ImagePositionPatient, float), given_case.geometry.position_mm[z]
        )


@pytest.mark.parametrize("spec", SPECS, ids=["axial", "oblique", "descending", "one slice"])
def test_segment_volumes_are_those_of_the_analysis(spec: CtpSpec) -> None:
    """Core, hypoperfusion and brain read back from the Segmentation have their volumes [ml]."""
    given_case = case(spec)
    volumes = segment_volumes_ml(reread(given_case.of_kind("segmentation")[0]))
    maps, lesion = given_case.maps, given_case.lesion
    assert volumes == pytest.approx(
        {
            "Core": lesion.core_ml,
            "Hypoperfusion": lesion.hypoperfusion_ml,
            "Brain": float(maps.brain.sum()) * maps.voxel_ml,
        }
    )


def test_segments_lie_where_the_lesion_lies() -> None:
    """Every frame of the Segmentation is its segment's mask at its own plane position."""
    given_case = case(SPECS[1])
    dataset = reread(given_case.of_kind("segmentation")[0])
    masks = [given_case.maps.brain, given_case.lesion.hypoperfusion, given_case.lesion.core]
    seen = [np.zeros_like(m) for m in masks]
    frames = dataset.pixel_array.astype(bool)
    for item, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):
        number = item.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        place = np.array(item.PlanePositionSequence[0].ImagePositionPatient, float)
        off = np.linalg.norm(given_case.geometry.position_mm - place, axis=1)
        assert off.min() < 1e-3
        seen[number - 1][off.argmin()] = frame
    assert all(np.array_equal(a, b) for a, b in zip(seen, masks, strict=True))


def test_an_all_zero_analysis_still_gives_every_object() -> None:
    """Without any lesion the volumes are 0 ml and all objects are made."""
    given_case = case(empty=True)
    kinds = [o.kind for o in given_case.encoded()]
    assert [kinds.count(k) for k in ("background", "colour", "segmentation")] == [3, 18, 1]
    assert kinds.count("parametric_map") == len(Quantity)
    volumes = segment_volumes_ml(given_case.of_kind("segmentation")[0])
    assert volumes["Core"] == volumes["Hypoperfusion"] == 0.0


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(8, 600),
    columns=st.integers(8, 600),
    margins=st.tuples(*[st.integers(0, 90)] * 4),
)
def test_enlarged_pixels_cover_the_same_ground(
    rows: int, columns: int, margins: tuple[int, int, int, int]
) -> None:
    """A picture's inner pixels share their outer corners with the grid they were made from."""
    grid = Geometry(
        np.array([[1.0, -2.0, 3.0]]), (0, 1, 0, 0, 0, -1), (0.9, 0.7), rows, columns, 5.0, "1.2"
    )
    canvas = Canvas(grid, Margins(*margins))
    made, (inner_rows, inner_columns) = canvas.geometry, canvas.inner
    row, column = np.array(grid.orientation[:3]), np.array(grid.orientation[3:])

    def corner(g: Geometry, y: float, x: float) -> NDArray[np.float64]:
        along: NDArray[np.float64] = x * g.pixel_mm[1] * row + y * g.pixel_mm[0] * column
        return g.position_mm[0] + along

    top, left = canvas.margins.top, canvas.margins.left
    assert np.allclose(corner(made, top - 0.5, left - 0.5), corner(grid, -0.5, -0.5))
    far = corner(made, top + inner_rows - 0.5, left + inner_columns - 0.5)
    assert np.allclose(far, corner(grid, rows - 0.5, columns - 0.5))
    assert (made.rows, made.columns) == canvas.shape


@pytest.mark.parametrize(
    ("direction", "named"),
    [
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 0.97, 0.24), "P"),
        ((0, -0.8, 0.6), "AH"),
        ((0, 0, -1), "F"),
    ],
)
def test_directions_have_the_letters_of_the_patient(
    direction: tuple[float, float, float], named: str
) -> None:
    """Left, posterior and head are the positive directions; a second letter says a tilt."""
    assert letters(np.array(direction, float)) == named


def test_maps_off_the_grid_are_a_fault_of_the_caller() -> None:
    """Maps of another shape than the geometry are refused with both shapes."""
    given_case = case()
    wrong = replace(given_case, geometry=replace(given_case.geometry, rows=7))
    with pytest.raises(ValueError, match=r"\(3, 24, 24\).*\(3, 7, 24\)"):
        wrong.encoded()
