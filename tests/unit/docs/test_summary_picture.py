"""docs/images/summary.png is what a PACS received."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs.images import make_summary
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import written
from tests.unit.derived.case import case

SPEC = CtpSpec(slices=2, frames=2, rows=16, pixel_mm=12.0)


def test_the_picture_is_the_pages_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn or scaled, and other objects in the folder are passed over."""
    made = case(SPEC)
    (page,) = made.of_kind("summary_page")
    written([page, *made.of_kind("background")], tmp_path / "objects")
    picture = tmp_path / "summary.png"
    monkeypatch.setattr(make_summary, "PICTURE", picture)
    monkeypatch.setattr("sys.argv", ["make_summary", str(tmp_path / "objects")])
    make_summary.main()
    assert (np.asarray(Image.open(picture)) == page.pixel_array).all()


def test_a_folder_without_a_page_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is made of nothing."""
    written(case(SPEC).of_kind("background"), tmp_path)
    monkeypatch.setattr("sys.argv", ["make_summary", str(tmp_path)])
    with pytest.raises(SystemExit, match="it holds 0"):
        make_summary.main()
