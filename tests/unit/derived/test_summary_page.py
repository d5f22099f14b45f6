"""The summary page as drawn and as sent: colours at known places, valid in every case."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.derived.annotation import Line
from node.derived.colour_table import colour_table
from node.derived.picture import CORE, PENUMBRA
from node.derived.summary import charts, page, tiles
from node.derived.summary.galleries import MAP_HEIGHT, Gallery
from node.derived.summary.panels import check_lines, draw_colour_bar
from node.derived.summary.plotting import draw_chart, round_step
from node.derived.summary.sheet import GROUND, Room, Sheet, dashes, fitted_line
from node.perfusion import Grade, QualityCheck, Quantity
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import entity_complaints, iod_complaints, written
from tests.unit.derived.case import TILTED, Case, case, source
from tests.unit.derived.test_identity import LACKING
from tests.unit.derived.test_summary_facts import SPEC, courses, facts, motion

LONG = QualityCheck("unfamiliar", Grade.CAUTION, "unlike the scans; " * 30)


def full() -> Case:
    """An analysis with everything that a page can show."""
    given = case(SPEC)
    return replace(given, courses=courses(given), motion=motion(excluded=(5,)))


def named(name: str, charset: str | tuple[str, ...]) -> Case:
    spec = replace(SPEC, patient_name=name, charset=charset)
    return replace(full(), source=source(spec))


def many_slices() -> Case:
    return case(CtpSpec(slices=320, frames=2, rows=16, pixel_mm=12.0))


def bare() -> Case:
    """Everything that is not required is missing from the source."""
    nowhere = replace(full().geometry, frame_of_reference_uid="")
    return replace(full(), source=source(SPEC, dict.fromkeys(LACKING)), geometry=nowhere)


def long_names() -> Case:
    changes = {"StudyDescription": "X" * 64, "PatientID": "W" * 64, "AccessionNumber": "1" * 16}
    spec = replace(SPEC, patient_name="W" * 40 + "^" + "M" * 23)
    return replace(full(), source=source(spec, changes))


CASES: dict[str, Callable[[], Case]] = {
    "everything": full,
    "no curves and no movement": lambda: case(SPEC),
    "one slice": lambda: case(replace(SPEC, slices=1)),
    "320 slices": many_slices,
    "no lesion": lambda: case(SPEC, empty=True),
    "oblique": lambda: case(replace(SPEC, orientation=TILTED)),
    "many flags": lambda: replace(full(), flags=(LONG,) * 17),
    "long names": long_names,
    "without identity": bare,
    "Japanese": lambda: named("Yamada^Tarou=山田^太郎", ("", "ISO 2022 IR 87")),
    "Korean": lambda: named("Hong^Gildong=洪^吉洞=홍^길동", ("", "ISO 2022 IR 149")),
    "Chinese alone": lambda: named("王^小东", "GB18030"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_page_is_valid_in_every_case(name: str, tmp_path: Path) -> None:
    """Checkers have no complaint, the page is wide and high enough, and something is on it."""
    made = CASES[name]()
    (image,) = made.of_kind("summary_page")
    paths = written([image], tmp_path)
    assert iod_complaints(paths) == []
    study = written([made.source], tmp_path / "source") if name != "without identity" else []
    assert entity_complaints([*study, *paths]) == []
    assert image.Columns == page.WIDTH
    assert image.Rows >= page.LEAST_HEIGHT
    assert image.pixel_array.std() > 10
    assert image.pixel_array[0, 0].tolist() == list(GROUND)


def test_the_page_says_what_it_is() -> None:
    """Its own series, burned-in identity, references to the background and to the scan."""
    made = full()
    (image,) = made.of_kind("summary_page")
    assert image.SeriesDescription == "CTP summary"
    assert image.SeriesNumber == 9000 + page.PLAN.offset
    assert image.BurnedInAnnotation == "YES"
    assert image.ImageType[-1] == "SUMMARY"
    assert image.StudyInstanceUID == made.source.StudyInstanceUID
    cited = [item.ReferencedSOPInstanceUID for item in image.SourceImageSequence]
    ground = [d.SOPInstanceUID for d in made.of_kind("background")]
    first = [i.header.sop_instance_uid for i in made.series.grid[0] if i is not None]
    assert cited == [*ground, *first]
    purposes = [
        i.PurposeOfReferenceCodeSequence[0].CodeValue for i in image.ContributingEquipmentSequence
    ]
    assert purposes == ["109101", "109102"]
    assert "sha256 0123456789abcdef" in image.ImageComments


def test_the_same_analysis_draws_the_same_page() -> None:
    """Byte for byte; another flag, another page."""
    first, again = (full().of_kind("summary_page")[0] for _ in range(2))
    assert first == again
    (other,) = replace(full(), flags=()).of_kind("summary_page")
    assert other.PixelData != first.PixelData


def test_more_flags_make_a_longer_page_and_hide_nothing() -> None:
    """Every flag is drawn whole, above the footer, and the pictures stay where they were."""
    few, many = (replace(full(), flags=(LONG,) * n) for n in (1, 17))
    lines = check_lines(facts(many), page.WIDTH - 48)
    words = " ".join(line.text for line in lines)
    assert words.count("Caution, unfamiliar: ") == 17
    assert all(line.width <= page.WIDTH - 48 for line in lines)
    low, high = (made.of_kind("summary_page")[0].pixel_array for made in (few, many))
    assert len(high) > len(low)
    assert (high[:1100] == low[:1100]).all()
    assert (high[-30:] == low[-30:]).all()


@pytest.mark.parametrize("table", ["asist", "viridis"])
@pytest.mark.parametrize("quantity", Quantity)
def test_the_colour_bar_has_the_tables_ends(quantity: Quantity, table: str) -> None:
    """Highest colour on top, lowest below."""
    sheet = Sheet(120, MAP_HEIGHT)
    draw_colour_bar(sheet, Room(10, 0, 100, MAP_HEIGHT), quantity, table)
    pixels = np.asarray(sheet.image)
    bar = pixels[44 : 44 + MAP_HEIGHT - 54, 15]
    assert (bar[0] == colour_table(table)[255]).all()
    assert (bar[-1] == colour_table(table)[0]).all()


def test_a_map_has_its_colours_inside_the_brain_and_black_outside() -> None:
    """The value at a place has its colour of the table, and nothing leaks over the rim."""
    given = case(SPEC)
    values = {q: np.where(given.maps.brain, 6.0, 0).astype(np.float32) for q in Quantity}
    flat = replace(given, maps=replace(given.maps, values=values)).findings
    crop = tiles.Crop.around(flat)
    size = crop.within(120, 150)
    tile = np.asarray(tiles.map_tile(flat, crop, 1, Quantity.TMAX, size, "asist"))
    expected = colour_table("asist")[round(255 * 6 / 14)].astype(int)
    assert np.abs(tile[size[1] // 2, size[0] // 2].astype(int) - expected).max() <= 2
    assert not tile[2, 2].any()
    inside = tile.any(axis=2)
    assert (np.abs(tile[inside].astype(int) - expected).max(axis=1) <= 2).all()


def test_the_outlines_run_where_the_lesion_ends_and_nowhere_else() -> None:
    """The core's whole rim in its colour; the hypoperfusion's in dashes; grey elsewhere."""
    given = case(SPEC)
    mask = np.zeros_like(given.maps.brain)
    core = mask.copy()
    mask[1, 8:16, 6:18] = True
    core[1, 10:14, 8:12] = True
    found = replace(given, lesion=replace(given.lesion, core=core, hypoperfusion=mask)).findings
    crop = tiles.Crop.around(found)
    size = crop.within(200, 240)
    tile = np.asarray(tiles.ct_tile(found, crop, 1, size)).astype(int)

    def share(colour: tuple[int, int, int], row: float, columns: tuple[float, float]) -> float:
        """How much of a horizontal line between two voxel edges has a colour."""
        x0, y = crop.place(row - 0.5, columns[0] - 0.5, size)
        x1, _ = crop.place(row - 0.5, columns[1] - 0.5, size)
        band = tile[round(y) - 3 : round(y) + 4, round(x0) : round(x1)]
        return float((np.abs(band - colour).max(axis=2) < 40).any(axis=0).mean())

    assert share(CORE, 10, (9, 11)) == 1.0
    assert 0.35 < share(PENUMBRA, 8, (7, 17)) < 0.9
    assert share(CORE, 12, (13, 17)) == share(PENUMBRA, 12, (9, 17)) == 0.0
    other = np.asarray(tiles.ct_tile(found, crop, 0, size)).astype(int)
    assert (np.ptp(other, axis=2) == 0).all()


def test_a_gallery_shows_every_slice_that_it_has_room_for() -> None:
    """Positions and crop come from the maps; the chosen slices hold the one with most core."""
    given = full()
    gallery = Gallery.of(given.findings, given.geometry, "asist")
    assert gallery.slices == (0, 1, 2)
    assert gallery.instructive in (1, 2)


def test_lines_of_a_chart_are_at_their_values() -> None:
    """A level curve is drawn at the height that the axis gives to its value."""
    sheet = Sheet(400, 200)
    level = charts.Trace("level", np.array([0.0, 10.0]), np.array([5.0, 5.0]), (255, 0, 0))
    draw_chart(sheet, Room(0, 0, 400, 200), charts.Chart("title", "HU", (level,), least=10.0))
    pixels = np.asarray(sheet.image).astype(int)
    red = np.argwhere(np.abs(pixels[60:] - (255, 0, 0)).max(axis=2) < 30)
    rows = red[:, 0] + 60
    top, bottom = 24 + 17 + 8, 200 - 34
    assert abs(rows.mean() - (top + bottom) / 2) < 2
    assert np.ptp(red[:, 1]) > 320


@pytest.mark.parametrize(("span", "step"), [(10, 2.5), (400, 100), (2, 0.5), (3, 1), (1e-9, 1e-6)])
def test_axes_are_divided_at_round_numbers(span: float, step: float) -> None:
    """About four numbers, each a multiple of 1, 2, 2.5 or 5."""
    assert round_step(span) <= max(step, 2.5e-7)
    assert span / round_step(span) <= 5


def test_dashes_cover_the_line_in_part_and_a_solid_line_whole() -> None:
    """Nothing of a solid line is lost; nine of fourteen parts of a dashed one are drawn."""
    line = np.array([[0.0, 0.0], [70.0, 0.0], [70.0, 70.0]])
    (whole,) = dashes(line, charts.SOLID)
    assert whole == [(0, 0), (70, 0), (70, 70)]
    drawn = sum(np.abs(np.diff(part, axis=0)).sum() for part in dashes(line, charts.DASHED))
    assert drawn == pytest.approx(140 * 9 / 14)


@pytest.mark.parametrize("width", [20, 60, 200])
def test_text_that_does_not_fit_is_made_smaller_and_then_cut(width: int) -> None:
    """No line is wider than its room, and one that was cut says so."""
    line = fitted_line(Line("Schädel CT mit Perfusion und Angiographie", 26, bold=True), width)
    assert line.width <= width
    assert line.text.endswith(("…", "Angiographie"))


def test_a_short_name_keeps_its_size() -> None:
    """Fitting changes nothing that fits."""
    line = Line("Doe, Jane", 26, bold=True)
    assert fitted_line(line, 500) == line
