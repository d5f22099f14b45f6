"""Every object is valid DICOM in the eyes of dicom3tools and unchanged by writing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from node.derived import ALL_KINDS, refusal_page
from node.refusals import Refusal, RefusalCode
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import entity_complaints, iod_complaints, written
from tests.unit.derived.case import TILTED, Case, case, source
from tests.unit.derived.test_identity import LACKING

SMALL = CtpSpec(slices=2, frames=2, rows=16, pixel_mm=12.0)
REFUSAL = Refusal(
    RefusalCode.TOO_SHORT,
    found="the series covers 18 s in 9 frames",
    remedy="Send a CT perfusion series of at least 30 s.",
)


def bare() -> Case:
    made = case(SMALL)
    empty = source(SMALL, dict.fromkeys(LACKING))
    nowhere = replace(made.geometry, frame_of_reference_uid="")
    return replace(made, source=empty, geometry=nowhere)


def masked() -> Case:
    """Nothing is left inside the mask."""
    made = case(SMALL, empty=True)
    nowhere = np.zeros_like(made.maps.brain)
    return replace(made, maps=replace(made.maps, brain=nowhere))


CASES = {
    "axial": lambda: case(SMALL),
    "oblique": lambda: case(replace(SMALL, orientation=TILTED)),
    "one slice": lambda: case(replace(SMALL, slices=1)),
    "all zero": lambda: case(SMALL, empty=True),
    "no brain": masked,
    "without identity": bare,
    "second revision": lambda: replace(
        case(SMALL), options=replace(case(SMALL).options, revision=2)
    ),
    "Japanese": lambda: case(
        replace(SMALL, charset=("", "ISO 2022 IR 87"), patient_name="Yamada^Tarou=山田^太郎")
    ),
    "lossy source": lambda: replace(
        case(SMALL),
        source=source(
            SMALL,
            {
                "LossyImageCompression": "01",
                "LossyImageCompressionRatio": "8",
                "LossyImageCompressionMethod": "ISO_10918_1",
            },
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_validators_find_nothing_wrong(name: str, tmp_path: Path) -> None:
    """Checkers have no complaint: dciodvfy about any object, dcentvfy about the whole study."""
    made = CASES[name]()
    made = replace(made, options=replace(made.options, kinds=ALL_KINDS))
    paths = written([o.dataset for o in made.encoded()], tmp_path)
    assert iod_complaints(paths) == []
    study = written([made.source], tmp_path / "source") if name != "without identity" else []
    assert entity_complaints([*study, *paths]) == []


def test_a_volume_of_320_slices_is_valid(tmp_path: Path) -> None:
    """As a wide detector without averaging has them: multi-frame objects, and every 40th other."""
    made = case(replace(SMALL, slices=320))
    # One picture a slice is the same however many there are.
    kinds = tuple(kind for kind in ALL_KINDS if not kind.startswith(("colour", "derived")))
    made = replace(made, options=replace(made.options, kinds=kinds))
    datasets = [each.dataset for each in made.encoded()]
    single = [each for each in datasets if "NumberOfFrames" not in each]
    paths = written([*(d for d in datasets if "NumberOfFrames" in d), *single[::40]], tmp_path)
    assert len(single) >= 320
    assert iod_complaints(paths) == []
    assert entity_complaints(paths) == []


def test_a_refusal_page_is_valid(tmp_path: Path) -> None:
    """The page of a refusal is a Secondary Capture without complaint, in the same study."""
    origin = source(SMALL)
    page = refusal_page(origin, REFUSAL, case(SMALL).options)
    paths = written([page.dataset], tmp_path)
    assert iod_complaints(paths) == []
    assert entity_complaints([*paths, *written([origin], tmp_path / "source")]) == []


def test_an_object_read_back_equals_the_one_written(tmp_path: Path) -> None:
    """Writing and reading changes no element and no file meta information."""
    datasets = [o.dataset for o in case(SMALL).encoded()]
    for path, dataset in zip(written(datasets, tmp_path), datasets, strict=True):
        again = dcmread(path)
        assert again == dataset
        assert again.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert path.stat().st_size % 2 == 0


def test_a_validators_error_is_seen(tmp_path: Path) -> None:
    """The checks can fail: an object without its type 1 attribute is complained about."""
    broken: Dataset = case(SMALL).of_kind("background")[0]
    del broken.ImageType
    assert iod_complaints(written([broken], tmp_path))
