"""What is wrong with a subject is named with its file."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement

from models.unitobrain import (
    NLR_MAPS,
    DatasetError,
    Subject,
    SubjectFolders,
    read_subject,
)
from tests.support.unitobrain import (
    TinySubject,
    folders,
    images_of,
    rewritten,
    scaled,
    undecodable,
    write_dataset,
)

TINY = TinySubject()


def _unscaled(path: Path, value: str) -> Path:
    image = pydicom.dcmread(path)
    image[0x00281053] = DataElement(0x00281053, "DS", value, validation_mode=IGNORE)
    image.save_as(path)
    return path


def _gone(path: Path) -> Path:
    path.unlink()
    return path


def _folder_gone(root: Path, kind: str) -> Path:
    folder = folders(root).map(kind) if kind else folders(root).filtered
    shutil.rmtree(folder)
    return folder


def _emptied(root: Path) -> Path:
    for path in images_of(root, TINY, "TTP"):
        path.unlink()
    return folders(root).map("TTP")


def _cut_short(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-100])
    return path


def _smaller(path: Path) -> Path:
    image = pydicom.dcmread(path)
    image.PixelData = image.pixel_array[::2, ::2].tobytes()
    image.Rows = image.Columns = TINY.rows // 2
    image.save_as(path)
    return path


def _without_place(path: Path) -> Path:
    image = pydicom.dcmread(path)
    del image.ImagePositionPatient
    image.save_as(path)
    return path


def _all_scaled(root: Path, kind: str, factor: float) -> Path:
    return [scaled(path, factor) for path in images_of(root, TINY, kind)].pop().parent


def _all_constant(root: Path) -> Path:
    for path in images_of(root, TINY, "MTT"):
        rewritten(path, PixelData=bytes(2 * TINY.rows**2))
    return folders(root).map("MTT")


def _never_all(root: Path) -> Path:
    blank = bytes(2 * TINY.rows**2)
    for kind, some in (("CBF", slice(2)), ("TTP", slice(2, None))):
        for path in images_of(root, TINY, kind)[some]:
            rewritten(path, PixelData=blank)
    return folders(root).map("CBF").parent


def _copied(path: Path, name: str) -> Path:
    return Path(shutil.copy(path, path.with_name(name)))


SPOILS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no filtered images": (lambda r: _folder_gone(r, ""), "the folder is missing"),
    "a map's folder missing": (lambda r: _folder_gone(r, "MTT"), "the folder is missing"),
    "a map's folder empty": (_emptied, "holds no .dcm file"),
    "one map missing": (
        lambda r: _gone(images_of(r, TINY, "CBV")[-1]).parent,
        r"the slice at z = 12.3 mm is missing",
    ),
    "one image missing": (
        lambda r: _gone(images_of(r, TINY)[9]).parent,
        "no file of number 10, after Filtered00009.dcm",
    ),
    "the last image missing": (
        lambda r: _gone(images_of(r, TINY)[-1]).parent,
        "z = 12.3 mm has 17 images, others have 18",
    ),
    "a name without number": (
        lambda r: _copied(images_of(r, TINY)[0], "Filtered.dcm"),
        "does not end in a number",
    ),
    "a number twice": (
        lambda r: _copied(images_of(r, TINY)[0], "Other00001.dcm"),
        "has the same number",
    ),
    "a map twice": (
        lambda r: _copied(images_of(r, TINY, "CBF")[-1], "NLR_CBF00005.dcm"),
        "is a map of the same slice",
    ),
    "no DICOM": (lambda r: undecodable(images_of(r, TINY, "CBF")[1]), "not DICOM"),
    "pixels cut short": (
        lambda r: _cut_short(images_of(r, TINY)[3]),
        "the pixel data is truncated",
    ),
    "a slope of NaN": (lambda r: _unscaled(images_of(r, TINY, "CBF")[1], "NaN"), "RescaleSlope"),
    "a slope of infinity": (lambda r: _unscaled(images_of(r, TINY)[5], "inf"), "RescaleSlope"),
    "no place": (lambda r: _without_place(images_of(r, TINY)[2]), "cannot be read"),
    "a map of another size": (lambda r: _smaller(images_of(r, TINY, "TTP")[0]), "32 x 32 pixels"),
    "an image of another size": (lambda r: _smaller(images_of(r, TINY)[30]), "32 x 32 pixels"),
    "pixels of another spacing": (
        lambda r: rewritten(images_of(r, TINY, "CBF")[0], PixelSpacing=[1.0, 1.0]),
        "pixels of",
    ),
    "maps 100 times too large": (
        lambda r: _all_scaled(r, "CBV", 100.0),
        "the median where blood flows is 1.*it must lie from 0.2 to 10",
    ),
    "maps 100 times too small": (lambda r: _all_scaled(r, "MTT", 0.01), "the scale is wrong"),
    "a scan of stored values": (lambda r: _all_scaled(r, "", 10.0), "the scale is wrong"),
    "never all maps": (_never_all, "in every slice one of the maps is constant"),
    "constant maps": (_all_constant, "the maps of all slices are constant"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_what_is_wrong_with_a_subject_is_named_with_its_file(name: str, root: Path) -> None:
    """The error carries the file or folder at fault, what is wrong, and what to do."""
    spoil, words = SPOILS[name]
    place = spoil(root)
    with pytest.raises(DatasetError, match=words) as fault:
        read_subject(SubjectFolders(TINY.name, root))
    assert fault.value.path == place
    assert str(fault.value).startswith(f"{place}: ")
    assert fault.value.remedy


@pytest.mark.parametrize(
    ("frames", "words"), [(5, "at least 10 are needed"), (20, "20 frames are none of 89 x 0.5 s")]
)
def test_too_few_frames_or_frames_without_times_are_refused(
    frames: int, words: str, tmp_path: Path
) -> None:
    """Five frames are no perfusion scan; twenty without raw headers may be anything."""
    write_dataset(tmp_path, replace(TINY, frames=frames, slices=2))
    shutil.rmtree(folders(tmp_path).raw)
    with pytest.raises(DatasetError, match=words) as fault:
        read_subject(folders(tmp_path))
    assert fault.value.path == folders(tmp_path).filtered


@pytest.mark.parametrize(
    "changes",
    [
        {"maps": {}},
        {"maps": {kind: np.full((4, 64, 64), np.nan, np.float32) for kind in NLR_MAPS}},
        {"maps": {kind: np.ones((3, 64, 64), np.float32) for kind in NLR_MAPS}},
        {"varies": np.ones(3, bool)},
    ],
    ids=["no maps", "not finite", "another shape", "another count"],
)
def test_a_subject_is_whole_when_it_is_born(subject: Subject, changes: dict[str, object]) -> None:
    """Maps that are missing, not finite or of another shape make no subject."""
    with pytest.raises(ValueError, match=r"maps must be|not finite|slices"):
        replace(subject, **changes)  # type: ignore[arg-type]  # wrong on purpose
