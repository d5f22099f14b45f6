"""Colour pictures: the right colour at the right place, and no brain hidden."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.derived.annotation import Box, wrapped
from node.derived.canvas import fitted
from node.derived.colour_bar import intervals
from node.derived.colour_table import colour_table, levels
from node.derived.typeface import font
from node.perfusion import Quantity
from node.series import Geometry
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import Case, case

SPEC = CtpSpec(slices=1, frames=2, rows=24, pixel_mm=9.0)


def flat(value: float) -> Case:
    """An analysis whose maps have one value in the whole brain."""
    made = case(SPEC)
    values = {q: np.where(made.maps.brain, value, 0).astype(np.float32) for q in Quantity}
    return replace(made, maps=replace(made.maps, values=values))


@pytest.mark.parametrize("value", [0.0, 3.0, 7.5, 500.0])
@pytest.mark.parametrize("table", ["asist", "viridis"])
def test_a_value_has_its_colour_of_the_table(value: float, table: str) -> None:
    """Inside the brain every pixel has the table's colour for its value, clipped at the ends."""
    given_case = flat(value)
    given_case = replace(given_case, options=replace(given_case.options, colour_table=table))
    first = given_case.of_kind("colour")[0]
    low, high = Quantity.CBF.meaning.window
    index = round(255 * min(max((value - low) / (high - low), 0), 1))
    centre = first.pixel_array[250:262, 250:262].reshape(-1, 3)
    expected = colour_table(table)[index].astype(int)
    assert np.abs(centre.astype(int) - expected).max() <= 2


def test_asist_runs_from_black_through_blue_and_green_to_red() -> None:
    """The default table has ASIST-Japan's order of colours, and viridis matplotlib's."""
    table = colour_table("asist")
    assert table.shape == (256, 3)
    assert [tuple(table[i]) for i in (0, 20, 255)] == [(0, 0, 0), (80, 0, 57), (255, 0, 0)]
    blue, cyan, green, yellow = table[60], table[95], table[135], table[191]
    assert blue.argmax() == 2
    assert cyan[0] < 20 < min(cyan[1:])
    assert green.argmax() == 1
    assert min(yellow[:2]) > 245
    assert yellow[2] < 10
    assert tuple(colour_table("viridis")[0]) == (68, 1, 84)


@given(low=st.floats(-10, 10), span=st.floats(0.5, 100), share=st.floats(-1, 2))
def test_levels_are_linear_in_the_window(low: float, span: float, share: float) -> None:
    """A value's level is its share of the window times 255, clipped."""
    found = levels(np.array([low + share * span], np.float32), (low, low + span))
    assert abs(int(found[0]) - 255 * min(max(share, 0), 1)) <= 0.6


def test_pictures_have_geometry_a_reference_and_orientation() -> None:
    """Each picture lies where its slice lies and refers to its background image."""
    made = case(SPEC)
    ground = made.of_kind("background")
    pictures = made.of_kind("colour")
    assert len(pictures) == 6 * len(ground)
    for image in pictures:
        z = image.InstanceNumber - 1
        assert image.SourceImageSequence[0].ReferencedSOPInstanceUID == ground[z].SOPInstanceUID
        off = np.array(image.ImagePositionPatient, float) - made.geometry.position_mm[z]
        assert abs(off[2]) < 1e-6
        assert np.abs(off).max() < 9 * made.geometry.pixel_mm[0]
        assert list(image.PatientOrientation) == ["L", "P"]
        assert image.BurnedInAnnotation == "NO"
        assert len(image.PixelData) == image.Rows * image.Columns * 3


def test_all_colour_series_share_one_canvas() -> None:
    """The pictures of all quantities have the same matrix and position, so that they hang."""
    pictures = case(SPEC).of_kind("colour")
    places = {
        (i.Rows, i.Columns, *map(float, i.PixelSpacing), *map(float, i.ImagePositionPatient[:2]))
        for i in pictures
    }
    assert len(places) == 1
    assert len({i.SeriesInstanceUID for i in pictures}) == 6


@settings(max_examples=40, deadline=None)
@given(
    centre=st.tuples(st.integers(8, 56), st.integers(8, 56)),
    radius=st.integers(4, 40),
    edge=st.sampled_from(["top", "bottom", "left", "right"]),
    side=st.sampled_from(["start", "middle", "end"]),
    size=st.tuples(st.integers(4, 250), st.integers(4, 250)),
)
def test_no_annotation_hides_brain(
    centre: tuple[int, int], radius: int, edge: str, side: str, size: tuple[int, int]
) -> None:
    """Whatever the head's place in the image, the canvas has room for the text beside it."""
    y, x = np.mgrid[:64, :64]
    brain = np.hypot(y - centre[0], x - centre[1])[None] < radius
    grid = Geometry(np.zeros((1, 3)), (1, 0, 0, 0, 1, 0), (3.0, 3.0), 64, 64, 5.0, "1.2")
    box = Box(edge, side, *size)
    canvas = fitted(grid, brain, [box])
    rows, columns = canvas.shape
    left, top = box.corner(columns, rows)
    shadow = canvas.enlarge(brain[0].astype(np.float32)) > 0
    framed = canvas.framed(np.repeat(shadow[..., None], 3, axis=2).astype(np.uint8))
    assert not framed[top : top + box.height, left : left + box.width].any()


@pytest.mark.parametrize(("span", "count"), [(80, 4), (8, 4), (12, 6), (25, 5), (14, 7), (13, 4)])
def test_the_bar_is_divided_at_round_numbers(span: float, count: int) -> None:
    """Numbers beside the bar are multiples of 1, 2, 2.5 or 5 wherever the window allows."""
    assert intervals(span) == count


@given(text=st.text(min_size=1, max_size=200), width=st.integers(60, 400))
def test_wrapped_text_keeps_every_word_within_the_width(text: str, width: int) -> None:
    """Wrapping loses no letter and no line is wider than asked."""
    lines = wrapped(text, width, 12)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(font(12).getlength(line) <= width for line in lines if len(line) > 1)


def test_flags_are_on_the_pictures_and_in_the_comments() -> None:
    """A quality flag changes every picture and stands in every image's comments."""
    flagged = case(SPEC)
    plain = replace(flagged, flags=())
    for with_flag, without in zip(flagged.of_kind("colour"), plain.of_kind("colour"), strict=True):
        assert with_flag.PixelData != without.PixelData
        assert "CAUTION: arterial peak 12 HU" in with_flag.ImageComments
        assert "Not for diagnostic use" in with_flag.ImageComments
