"""docs/images/make_maps.py shows a result's pictures as they were sent."""

from pathlib import Path

import numpy as np
import pytest

from docs.images.make_maps import GAP, ROWS, montage, read
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import Case, case

SPEC = CtpSpec(slices=3, frames=2, rows=24, pixel_mm=9.0)


def written(made: Case, folder: Path) -> Path:
    """A folder with the objects of one result, and a file that is none."""
    for number, each in enumerate(made.encoded()):
        each.dataset.save_as(folder / f"{number:03d}.dcm", enforce_file_format=True)
    (folder / "numbers.json").write_text("{}")
    return folder


@pytest.mark.parametrize("empty", [False, True], ids=["stroke", "no stroke"])
def test_the_picture_holds_the_pixels_of_six_series_at_one_slice(
    tmp_path: Path, empty: bool
) -> None:
    """Nothing is drawn or scaled anew; the slice is the one with the largest core, else brain."""
    made = case(SPEC, empty=empty)
    sheet = np.asarray(montage(read(written(made, tmp_path))))
    areas = (made.maps.brain if empty else made.lesion.core).sum(axis=(1, 2))
    wanted = int(np.argmax(areas))
    pictures = {(d.ImageType[-1], d.InstanceNumber): d.pixel_array for d in made.of_kind("colour")}
    height, width = pictures["CBF", 1].shape[:2]
    for y, row in enumerate(ROWS):
        for x, flavour in enumerate(row):
            top, left = GAP + y * (height + GAP), GAP + x * (width + GAP)
            shown = sheet[top : top + height, left : left + width]
            assert np.array_equal(shown, pictures[flavour, wanted + 1])


def test_two_results_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    """A folder with a second series of the same map is refused in words."""
    objects = read(written(case(SPEC), tmp_path))
    objects[0].SeriesInstanceUID = "1.2.3"
    with pytest.raises(SystemExit, match="one CBF series"):
        montage(objects)
