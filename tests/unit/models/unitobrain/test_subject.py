"""UniToBrain's layout, and what is read from it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGLosslessSV1

from models.unitobrain import (
    NLR_MAPS,
    DatasetError,
    Subject,
    read_subject,
    subjects,
)
from models.unitobrain import subject as reading
from node.series import read_hu
from tests.support.unitobrain import (
    TinySubject,
    folders,
    images_of,
    rewritten,
    write_dataset,
)

TINY = TinySubject()


def test_subjects_are_found_wherever_the_archive_put_them(tmp_path: Path) -> None:
    """By name, below the root or a folder in it; whatever else lies there is left alone."""
    for place in ("DeepHealth/test/MOL-002", "DeepHealth/training/MOL-001", "DeepHealth/tools/new"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "DeepHealth/training/MOL-001_Registered_Filtered_3mm_20HU").mkdir()
    (tmp_path / "MOL-003_Registered_Filtered_3mm_20HU_Maps.txt").write_text("notes")
    found = subjects(tmp_path)
    assert [each.name for each in found] == ["MOL-001", "MOL-002"]
    assert found[0].map("CBF").parent.name == "MOL-001_Registered_Filtered_3mm_20HU_Maps"


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (["elsewhere/MOL-001"], "there is no such folder"),
        (["root/images"], "no subject was found"),
        (["root/a/MOL-001", "root/b/MOL-001_Registered"], "also lies in"),
    ],
)
def test_a_root_without_subjects_is_said_to_be_one(
    places: list[str], words: str, tmp_path: Path
) -> None:
    """The error names the folder and says which one is wanted."""
    for place in places:
        (tmp_path / place).mkdir(parents=True)
    with pytest.raises(DatasetError, match=words) as fault:
        subjects(tmp_path / "root")
    assert str(tmp_path / "root") in str(fault.value)
    assert fault.value.remedy != DatasetError.remedy


def test_the_tiny_dataset_is_encoded_as_the_real_one(written: Path) -> None:
    """Raw files are signed JPEG Lossless SV1, derived ones unsigned with scales of their own."""
    raw = pydicom.dcmread(next(folders(written).raw.iterdir()))
    filtered = pydicom.dcmread(images_of(written, TINY)[0])
    cbv = pydicom.dcmread(images_of(written, TINY, "CBV")[0])
    assert raw.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    assert (raw.PixelRepresentation, raw.RescaleIntercept) == (1, -1024)
    assert (filtered.PixelRepresentation, filtered.RescaleSlope) == (0, 0.1)
    assert (filtered.RescaleIntercept, cbv.RescaleSlope) == (-1000, 0.01)
    hu = read_hu(Path(raw.filename))
    assert (hu.shape, hu.min() < -900, hu.max() > 800) == ((TINY.rows,) * 2, True, True)


def test_images_come_out_where_and_when_they_were(subject: Subject) -> None:
    """Slices ascend by place, frames follow their numbers, values follow each file's scale."""
    for frame, z in ((0, 0), (7, 3), (17, 1)):
        np.testing.assert_allclose(subject.scan.hu[frame, z], TINY.hu(frame, z), atol=0.06)
    assert subject.scan.spacing_mm == pytest.approx((TINY.gap_mm, TINY.pixel_mm, TINY.pixel_mm))
    for kind in NLR_MAPS:
        for z in range(TINY.slices):
            np.testing.assert_allclose(subject.maps[kind][z], TINY.map(kind, z), atol=0.06)


def test_every_slice_has_the_times_of_its_raw_images(subject: Subject) -> None:
    """A shuttle's slabs stay apart; the clocks of derived files are not looked at."""
    wanted = [[TINY.time_s(frame, z) for z in range(TINY.slices)] for frame in range(TINY.frames)]
    np.testing.assert_allclose(subject.scan.time_s, wanted, atol=1e-3)


@pytest.mark.parametrize(
    "spoil",
    [
        shutil.rmtree,
        lambda raw: next(raw.iterdir()).write_bytes(b"no DICOM"),
        lambda raw: [path.unlink() for path in sorted(raw.iterdir())[: TINY.slices]],
        lambda raw: [rewritten(path, AcquisitionTime="", ContentTime="") for path in raw.iterdir()],
    ],
    ids=["absent", "damaged", "shorter", "without clocks"],
)
def test_without_usable_raw_headers_the_count_of_frames_tells_the_times(
    spoil: Callable[[Path], object], root: Path
) -> None:
    """Eighteen frames are a shuttle of 2.81 s, all slices alike."""
    spoil(folders(root).raw)
    time_s = read_subject(folders(root)).scan.time_s
    np.testing.assert_allclose(time_s[:, 0], np.arange(18) * 2.81)
    np.testing.assert_array_equal(time_s, np.repeat(time_s[:, :1], TINY.slices, axis=1))


def test_a_cine_scan_is_read_as_one(tmp_path: Path) -> None:
    """Eighty-nine frames are half a second apart with and without the raw series' clocks."""
    cine = replace(TINY, frames=89, interval_s=0.5, slab_offset_s=0.0, slices=2, rows=32)
    write_dataset(tmp_path, cine)
    with_clocks = read_subject(folders(tmp_path)).scan
    shutil.rmtree(folders(tmp_path).raw)
    without = read_subject(folders(tmp_path)).scan
    np.testing.assert_allclose(with_clocks.time_s, without.time_s, atol=1e-3)
    assert without.coverage_s == pytest.approx(44.0)


@pytest.mark.parametrize("kind", ["", "CBF", "Delay"])
def test_values_do_not_depend_on_how_they_are_stored(
    kind: str, root: Path, subject: Subject
) -> None:
    """Half the slope and twice the stored values, file by file, are the same values."""
    for path in images_of(root, TINY, kind)[::2]:
        image = pydicom.dcmread(path)
        stored = np.minimum(image.pixel_array.astype(np.uint32), 32767) * 2
        image.PixelData = stored.astype("<u2").tobytes()
        image.RescaleSlope = float(image.RescaleSlope) / 2
        image.save_as(path)
    again = read_subject(folders(root))
    np.testing.assert_allclose(again.scan.hu, subject.scan.hu, atol=1e-3)
    np.testing.assert_allclose(again.maps["CBF"], subject.maps["CBF"], atol=1e-3)


def test_maps_are_matched_by_place_and_not_by_number(root: Path, subject: Subject) -> None:
    """Renumbered maps, and one of a slice that the scan lacks, change nothing."""
    paths = images_of(root, TINY, "CBV")
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    extra = paths[-1].with_name("NLR_CBV00005.dcm")
    shutil.copy(paths[0], extra)
    rewritten(extra, ImagePositionPatient=[-100.0, -100.0, 99.0])
    np.testing.assert_array_equal(read_subject(folders(root)).maps["CBV"], subject.maps["CBV"])


def test_files_may_run_through_times_or_through_slices_first(root: Path, subject: Subject) -> None:
    """Only the order of one slice's own files counts, whatever lies between them."""
    paths = images_of(root, TINY)
    contents = [path.read_bytes() for path in paths]
    by_slice = [content for z in range(TINY.slices) for content in contents[z :: TINY.slices]]
    for path, content in zip(paths, by_slice, strict=True):
        path.write_bytes(content)
    np.testing.assert_array_equal(read_subject(folders(root)).scan.hu, subject.scan.hu)


def test_fine_pixels_are_averaged_as_serving_does(
    written: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of pixels become one, as many as keep it within the limit; scan and maps alike."""
    monkeypatch.setattr(reading, "MAX_PIXEL_MM", 2.5 * TINY.pixel_mm)
    coarse = read_subject(folders(written))
    assert coarse.scan.shape[2:] == (32, 32)
    assert coarse.scan.spacing_mm[1:] == pytest.approx((2 * TINY.pixel_mm,) * 2)
    mean = subject.maps["MTT"].reshape(4, 32, 2, 32, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(coarse.maps["MTT"], mean, rtol=1e-5)


def test_progress_tells_every_image(written: Path) -> None:
    """The last word is that all images are read."""
    told: list[tuple[int, int]] = []
    read_subject(folders(written), lambda done, total: told.append((done, total)))
    total = TINY.frames * TINY.slices + len(NLR_MAPS) * TINY.slices
    assert told == [(done, total) for done in range(1, total + 1)]
