"""What a radiologist sees in OHIF: the right grey, the right colour, at the right place."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from node.derived.segmentation import PLAN as SEGMENTATION
from node.perfusion import Quantity
from tests.support.ctp import CtpSpec
from tests.support.ohif import PATIENCE_S, Viewer, dicom_web, opened
from tests.support.orthanc import running_orthanc, sent_to
from tests.support.running_node import wait_for
from tests.unit.derived.case import OPTIONS, Case, case
from tests.unit.derived.test_places import points

KINDS = ("background", "colour", "segmentation", "derived_ct")
LOOKED_AT = ("AXIAL", "TMAX", "LESION", "PRIMARY")  # last values of ImageType
COLOURS = {  # what the Segmentation recommends
    "Brain": (120, 150, 220),
    "Hypoperfusion": (70, 200, 90),
    "Core": (225, 35, 135),
}
OPACITY = 0.5  # of a segment that OHIF fills
NEAR = 3  # grey levels by which drawing rounds
NEAR_IN_COLOUR = 8  # and where a colour table is steep, within half a pixel
# (row, column) all over a slice, and unlike each other in every map
PLACES = [(3, 5), (12, 7), (7, 18), (10, 12), (16, 9), (13, 17), (20, 20)]


@pytest.fixture(scope="module")
def made() -> Case:
    whole = case(CtpSpec(slices=2, frames=2, rows=24, pixel_mm=8.0))
    return replace(whole, options=replace(OPTIONS, kinds=KINDS))


@pytest.fixture(scope="module")
def sent(made: Case) -> list[Dataset]:
    """The objects that are looked at: of the maps, one will do."""
    found = [o.dataset for o in made.encoded()]
    return [d for d in found if d.ImageType[-1] in LOOKED_AT]


@pytest.fixture(scope="module")
def viewer(
    made: Case, sent: list[Dataset], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Viewer]:
    folder = tmp_path_factory.mktemp("pacs")
    with running_orthanc(folder, dicom_web()) as orthanc:
        sent_to(orthanc, sent, folder / "set")
        with opened(orthanc, made.series.study_instance_uid, width=720, height=520) as one:
            yield one


def shown(viewer: Viewer, made: Case, image: Dataset, z: int) -> NDArray[np.float64]:
    """The colours at the places of a slice, once its image is drawn: (places, 3)."""
    viewer.turn(image.SOPInstanceUID)
    return colours(viewer, made, z)


def colours(viewer: Viewer, made: Case, z: int) -> NDArray[np.float64]:
    """The colours on the screen at the places of a slice."""
    places = points(made.geometry)[z]
    return np.array(viewer.seen([places[y, x] for y, x in PLACES]), float)


def windowed(values: NDArray[np.float64], image: Dataset) -> NDArray[np.float64]:
    """Grey levels of values in the image's window (PS3.3 C.11.2.1.2.1)."""
    centre, width = float(image.WindowCenter), float(image.WindowWidth)
    return np.clip(255 * ((values - (centre - 0.5)) / (width - 1) + 0.5), 0, 255)


def grey(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat(levels[:, None], 3, axis=1)


def at_places(values: NDArray[np.float32], z: int) -> NDArray[np.float64]:
    """The values at the places of a slice."""
    return np.array([float(values[z, y, x]) for y, x in PLACES])


def test_every_series_is_offered(viewer: Viewer, sent: list[Dataset]) -> None:
    """One thumbnail a series, each under its number."""
    expected = {int(d.SeriesNumber) for d in sent}
    offered = f"document.querySelectorAll('[data-series]').length >= {len(expected)}"
    viewer.browser.wait(offered, patience_s=PATIENCE_S)
    assert set(viewer.series_numbers) == expected


def test_the_background_has_the_grey_of_its_hu(viewer: Viewer, made: Case) -> None:
    """The window is the brain's, and the value at a patient coordinate its slice's."""
    images = made.of_kind("background")
    viewer.hang(images[0].SeriesNumber, images[0].SOPInstanceUID)
    for z, image in enumerate(images):
        hu = np.rint(at_places(made.maps.baseline_hu, z))
        seen = shown(viewer, made, image, z)
        assert np.abs(seen - grey(windowed(hu, image))).max() <= NEAR


def test_a_derived_ct_has_the_grey_of_its_value(viewer: Viewer, made: Case) -> None:
    """No value is wrapped round or scaled twice on its way to the screen."""
    images = [d for d in made.of_kind("derived_ct") if d.ImageType[3] == "TMAX"]
    viewer.hang(images[0].SeriesNumber, images[0].SOPInstanceUID)
    for z, image in enumerate(images):
        seconds = at_places(made.maps[Quantity.TMAX], z)
        seen = shown(viewer, made, image, z)
        assert np.abs(seen - grey(windowed(seconds, image))).max() <= NEAR


@pytest.mark.parametrize("flavour", ["TMAX", "LESION"])
def test_a_colour_map_is_shown_colour_by_colour(viewer: Viewer, made: Case, flavour: str) -> None:
    """The stored colour at a patient coordinate is the one on the screen."""
    images = [d for d in made.of_kind("colour") if d.ImageType[3] == flavour]
    viewer.hang(images[0].SeriesNumber, images[0].SOPInstanceUID)
    seen = shown(viewer, made, images[1], 1)
    assert np.abs(seen - stored(made, images[1], 1)).max() <= NEAR_IN_COLOUR


def stored(made: Case, image: Dataset, z: int) -> NDArray[np.float64]:
    """The picture's own colours at the places, found by its geometry (axial)."""
    corner = np.array(image.ImagePositionPatient, float)
    places = np.array([points(made.geometry)[z, y, x] for y, x in PLACES])
    down, across = (float(v) for v in image.PixelSpacing)
    rows = np.rint((places[:, 1] - corner[1]) / down).astype(int)
    columns = np.rint((places[:, 0] - corner[0]) / across).astype(int)
    return np.array(image.pixel_array[rows, columns], float)


def test_the_segments_lie_over_the_background_with_the_core_uppermost(
    viewer: Viewer, made: Case
) -> None:
    """Inside a segment its colour is laid over what is below; outside, grey stays grey."""
    ground, (segments,) = made.of_kind("background"), made.of_kind("segmentation")
    viewer.hang(ground[0].SeriesNumber, ground[0].SOPInstanceUID)
    viewer.lay_over(OPTIONS.series_number + SEGMENTATION.offset)
    masks = (made.maps.brain, made.lesion.hypoperfusion, made.lesion.core)
    assert [s.SegmentLabel.split()[0] for s in segments.SegmentSequence] == [*COLOURS]
    for z, image in enumerate(ground):
        hu = np.rint(at_places(made.maps.baseline_hu, z))
        expected = grey(windowed(hu, image))
        for mask, colour in zip(masks, COLOURS.values(), strict=True):
            inside = np.array([mask[z, y, x] for y, x in PLACES])
            expected[inside] += OPACITY * (np.array(colour) - expected[inside])
        seen = shown(viewer, made, image, z)
        if not np.ptp(seen, axis=1).any():  # segments are drawn a little after their image
            wait_for(partial(is_tinted, viewer, made, z), "the segments are drawn", PATIENCE_S)
            seen = colours(viewer, made, z)
        assert np.abs(seen - expected).max() <= NEAR


def is_tinted(viewer: Viewer, made: Case, z: int) -> bool:
    """Whether anything but grey is seen."""
    return bool(np.ptp(colours(viewer, made, z), axis=1).any())
