import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.uid import JPEGLosslessSV1

from models.network import SCALES
from models.training import Case
from models.unitobrain import (
    NLR_MAPS,
    DatasetError,
    Left,
    Subject,
    SubjectFolders,
    case_of,
    cohort,
    read_subject,
    subjects,
)
from models.unitobrain import subject as reading
from node.perfusion import Quantity
from node.series import read_hu
from tests.support.phantom import regions
from tests.support.unitobrain import TinySubject, images_of, write_dataset

TINY = TinySubject()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One subject, written once and never changed."""
    return write_dataset(tmp_path_factory.mktemp("dataset"), TINY)


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A copy of the dataset to spoil."""
    return Path(shutil.copytree(written, tmp_path / "dataset"))


@pytest.fixture(scope="module")
def subject(written: Path) -> Subject:
    return read_subject(*subjects(written))


def folders(root: Path) -> SubjectFolders:
    (found,) = subjects(root)
    return found


def rewritten(path: Path, **changes: object) -> Path:
    image = pydicom.dcmread(path)
    for name, value in changes.items():
        setattr(image, name, value)
    image.save_as(path)
    return path


def scaled(path: Path, factor: float) -> Path:
    return rewritten(path, RescaleSlope=float(pydicom.dcmread(path).RescaleSlope) * factor)


# --- the layout ---------------------------------------------------------------------------------


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


# --- what is read -------------------------------------------------------------------------------


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


# --- what is wrong with files -------------------------------------------------------------------


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


def _nonsense(path: Path) -> Path:
    path.write_bytes(b"nothing of the kind")
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
    "no DICOM": (lambda r: _nonsense(images_of(r, TINY, "CBF")[1]), "not DICOM"),
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


# --- what is learned from -----------------------------------------------------------------------


def _case(subject: Subject) -> Case:
    case = case_of(subject)
    assert isinstance(case, Case)
    return case


def _map(case: Case, quantity: Quantity) -> np.ndarray:
    return case.maps[:, list(SCALES).index(quantity)].astype(np.float32)


def test_a_case_teaches_the_maps_of_the_dataset(subject: Subject) -> None:
    """Inside the parenchyma the truth is the NLR map; Tmax is delay and half the MTT."""
    case = _case(subject)
    tissue = case.shares[:, 0] > 0.99
    sound = tissue & (case.shares[:, 1] == 0)
    medians = {quantity: float(np.median(_map(case, quantity)[sound])) for quantity in SCALES}
    assert medians[Quantity.CBF] == pytest.approx(15.0, rel=0.02)
    assert medians[Quantity.CBV] == pytest.approx(1.4, rel=0.02)
    assert medians[Quantity.MTT] == pytest.approx(5.6, rel=0.02)
    assert medians[Quantity.TMAX] == pytest.approx(5.6 / 2 - 0.3, rel=0.02)
    assert np.isfinite(case.maps).all()
    assert case.maps.min() >= 0


def test_slices_whose_maps_are_constant_are_dropped(subject: Subject) -> None:
    """A slice that was never computed teaches nothing; the others stay."""
    case = _case(subject)
    assert not subject.varies[0]
    assert len(case.maps) == TINY.slices - 1
    assert all(len(part) == len(case.maps) for part in (case.enhancement, case.shares))
    assert (case.shares[:, 3].astype(np.float32).sum(axis=(1, 2)) > 0).all()


def test_a_dropped_slice_between_others_stays_as_their_neighbour(subject: Subject) -> None:
    """What lies next to each other goes on doing so; nothing is asked where nothing is known."""
    varies = np.array([True, True, False, True])
    case = _case(replace(subject, varies=varies))
    brain = case.shares[:, 3].astype(np.float32).sum(axis=(1, 2))
    assert len(case.maps) == TINY.slices
    assert (brain[1] > 0, brain[2], brain[3] > 0) == (True, 0.0, True)
    assert (case.shares[2] == 0).all()


def test_the_lesion_of_the_maps_is_what_the_case_marks(subject: Subject) -> None:
    """Hypoperfusion and core follow from the maps by the node's own rule."""
    case = _case(subject)
    area = np.prod(subject.scan.spacing_mm[1:]) / 1.8**2
    for share, part in ((1, "lesion"), (2, "core")):
        wanted = sum(getattr(regions(TINY.rows, z, 4), part).sum() for z in range(1, 4)) * area
        assert case.shares[:, share].astype(np.float64).sum() == pytest.approx(wanted, rel=0.1)


def test_ttp_counts_from_the_arrival_whichever_clock_the_maps_have(subject: Subject) -> None:
    """Maps that count from the scan's start and from the arrival teach the same."""
    from_start = _map(_case(subject), Quantity.TTP)
    late = float(np.median((subject.maps["TTP"] - 0)[1:][_brain()])) - float(
        np.median(from_start[_case(subject).shares[:, 0] > 0.99])
    )
    moved = {**subject.maps, "TTP": np.maximum(subject.maps["TTP"] - np.float32(late), 0)}
    from_arrival = _map(_case(replace(subject, maps=moved)), Quantity.TTP)
    assert late > 5.0
    np.testing.assert_allclose(from_arrival, from_start, atol=0.05)


def _brain() -> np.ndarray:
    return np.stack([regions(TINY.rows, z, TINY.slices).brain for z in range(1, TINY.slices)])


# --- the cohort ---------------------------------------------------------------------------------


def _learned(root: Path, cache: Path, **options: int) -> tuple[list[Case | Left], list[str]]:
    said: list[str] = []
    return list(cohort(root, cache, heard=said.append, **options)), said


def test_a_case_is_kept_and_read_back(root: Path, tmp_path: Path) -> None:
    """The second time nothing is read but the kept case, and it is the same."""
    (first,), _ = _learned(root, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    stamp = kept.stat().st_mtime_ns
    (again,), said = _learned(root, tmp_path / "cache")
    assert said == []
    assert kept.stat().st_mtime_ns == stamp
    for name, values in vars(first).items():
        np.testing.assert_array_equal(values, getattr(again, name))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda root, kept: kept.write_bytes(kept.read_bytes()[:-500]), "damaged"),
        (lambda root, kept: kept.write_bytes(b""), "damaged"),
        (
            lambda root, kept: np.savez(kept, made_of=np.array("other"), why=np.array("")),
            "outdated",
        ),
        (lambda root, kept: scaled(images_of(root, TINY, "CBF")[0], 1.001), "outdated"),
    ],
    ids=["cut short", "empty", "of another version", "of other files"],
)
def test_a_kept_case_that_is_no_longer_right_is_named_and_made_again(
    spoil: Callable[[Path, Path], object], word: str, root: Path, tmp_path: Path
) -> None:
    """A damaged or outdated case is never learned from."""
    _learned(root, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    spoil(root, kept)
    (again,), said = _learned(root, tmp_path / "cache")
    assert isinstance(again, Case)
    assert said == [f"{kept} is {word}: MOL-001 is read again"]
    assert _learned(root, tmp_path / "cache")[1] == []


def test_a_scan_that_serving_refuses_is_left_out_by_name(root: Path, tmp_path: Path) -> None:
    """Without a bolus there is nothing to learn: the subject is named with the reason, once."""
    first = images_of(root, TINY)[: TINY.slices]
    for path in images_of(root, TINY)[TINY.slices :]:
        same = first[(int(path.stem[-5:]) - 1) % TINY.slices]
        rewritten(path, PixelData=pydicom.dcmread(same).PixelData)
    for _ in range(2):
        (left,), said = _learned(root, tmp_path / "cache")
        assert isinstance(left, Left)
        assert left.name == "MOL-001"
        assert left.why.startswith("no_bolus: ")
        assert said == []


def test_subjects_come_in_order_until_one_is_damaged(root: Path, tmp_path: Path) -> None:
    """Subjects are read side by side and come by name; a damaged one ends it, naming its file."""
    second, third = (replace(TINY, name=f"MOL-00{n}") for n in (2, 3))
    write_dataset(root, third, second)
    place = _nonsense(images_of(root, second, "CBF")[0])
    found = cohort(root, tmp_path / "cache", workers=2, heard=print)
    assert isinstance(next(found), Case)
    with pytest.raises(DatasetError, match="not DICOM") as fault:
        next(found)
    assert fault.value.path == place
    shutil.copy(images_of(root, third, "CBF")[0], place)
    assert len(list(cohort(root, tmp_path / "cache", heard=print))) == 3
