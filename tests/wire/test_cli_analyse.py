"""`analyse`: a folder or zip of a simulated scan in, every result object out."""

import json
import random
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from node.derived import segment_volumes_ml
from tests.support.ctp import write_series
from tests.support.enhanced import enhanced
from tests.support.layouts import series_per_slab, series_per_time_point
from tests.support.prompt import ANSI, Said, at_a_terminal, perfusion_node, settings_file
from tests.support.studies import Scan, short_scan, small_scan, topogram
from tests.support.syntaxes import SYNTAXES

Writer = Callable[[list[Dataset]], list[Dataset]]
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    return small_scan(tmp_path_factory.mktemp("scan"), "analyse")


@pytest.fixture(scope="module")
def run(scan: Scan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Path]:
    """One run over the scan, and the folder of its series."""
    out = tmp_path_factory.mktemp("out")
    return analysed(scan.folder, out), out / scan.series_uid


def analysed(source: Path, out: Path, *options: str | Path) -> Said:
    return perfusion_node("analyse", source, "--out", out, *options)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def numbers(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "numbers.json").read_text()))


def test_the_numbers_are_those_of_the_objects(run: tuple[Said, Path]) -> None:
    """Volumes in numbers.json are what a reader of the Segmentation measures, with units."""
    said, folder = run
    found = numbers(folder)
    (segmentation,) = [f["file"] for f in found["files"] if f["sop_class_uid"] == SEGMENTATION]
    volumes = segment_volumes_ml(dcmread(folder / segmentation))
    for name, key in (("Core", "core_ml"), ("Hypoperfusion", "hypoperfusion_ml")):
        assert found["measurements"][key]["value"] == pytest.approx(volumes[name], rel=0.01)
        assert found["measurements"][key]["unit"] == "ml"
        assert f"{name.lower()} {volumes[name]:.1f} ml" in said.out


def test_the_numbers_name_series_and_model_but_no_patient(
    run: tuple[Said, Path], scan: Scan
) -> None:
    """Whoever reads them knows what was analysed by what; identity stays in the objects."""
    said, folder = run
    found, text = numbers(folder), (folder / "numbers.json").read_text()
    assert found["series_instance_uid"] == scan.series_uid
    assert found["study_instance_uid"] == str(scan.first.StudyInstanceUID)
    assert found["images"] == len(scan.files)
    assert len(found["model"]["sha256"]) == 64
    for identity in (scan.first.PatientID, scan.first.PatientName, scan.first.AccessionNumber):
        assert str(identity)
        assert str(identity) not in text + said.out + said.err


def test_every_object_is_listed_and_the_patients_own(run: tuple[Said, Path], scan: Scan) -> None:
    """numbers.json lists the files that are there, each in the source's study."""
    said, folder = run
    files = {f["file"]: f["sop_instance_uid"] for f in numbers(folder)["files"]}
    assert said.code == 0
    assert f"{len(files)} objects in {folder}" in said.out
    assert set(files) == set(tree(folder)) - {"numbers.json", "report.html"}
    for name, uid in files.items():
        made = dcmread(folder / name)
        assert uid == made.SOPInstanceUID
        assert made.PatientID == scan.first.PatientID
        assert made.StudyInstanceUID == scan.first.StudyInstanceUID


def test_the_page_is_the_patients_and_says_the_numbers(run: tuple[Said, Path], scan: Scan) -> None:
    """report.html opens from disk: who, the volumes, the pictures."""
    _, folder = run
    text = (folder / "report.html").read_text()
    assert str(scan.first.PatientID) in text
    assert f"{numbers(folder)['measurements']['core_ml']['value']:.1f} ml" in text
    assert numbers(folder)["exports"] == ["report.html"]


def test_a_call_chooses_what_is_written(scan: Scan, tmp_path: Path) -> None:
    """Only the kinds named, and beside them the files asked for; the numbers list both."""
    said = analysed(
        scan.folder, tmp_path, "--only", "parametric_map", "--only", "segmentation", "--nifti",
        "--no-html",
    )  # fmt: skip
    assert said.code == 0
    folder = tmp_path / scan.series_uid
    found = numbers(folder)
    assert {f["kind"] for f in found["files"]} == {"parametric_map", "segmentation"}
    names = {"CBF", "CBV", "MTT", "TTP", "Tmax", "core", "hypoperfusion", "brain"}
    assert set(found["exports"]) == {f"nifti/{name}.nii.gz" for name in names}
    listed = {f["file"] for f in found["files"]} | set(found["exports"]) | {"numbers.json"}
    assert set(tree(folder)) == listed


def test_thresholds_of_a_call_reach_numbers_and_objects(
    run: tuple[Said, Path], scan: Scan, tmp_path: Path
) -> None:
    """A stricter Tmax gives the smaller volume that the threshold table announced."""
    said = analysed(
        scan.folder, tmp_path, "--thresholds", "tmax=8,rcbf=0.2", "--only", "segmentation"
    )
    assert said.code == 0
    found, usual = numbers(tmp_path / scan.series_uid), numbers(run[1])
    assert found["thresholds"]["tmax_hypoperfusion_s"] == 8
    assert found["thresholds"]["relative_cbf_core"] == 0.2
    strict = found["measurements"]["hypoperfusion_ml"]["value"]
    assert strict == usual["measurements"]["tmax_above_8_s_ml"]["value"]
    assert strict < usual["measurements"]["hypoperfusion_ml"]["value"]
    (segmentation,) = (f["file"] for f in found["files"])
    volumes = segment_volumes_ml(dcmread(tmp_path / scan.series_uid / segmentation))
    assert volumes["Hypoperfusion"] == pytest.approx(strict, abs=0.01)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--only", "maps"], "--only maps: there is no such kind of result object"),
        (["--only", "report", "--nifti"], "--nifti is made from the parametric_map objects"),
        (["--thresholds", "cbf=3"], "there is no threshold called cbf"),
        (["--thresholds", "tmax=-1"], "tmax: Input should be greater than 0"),
        (["--thresholds", ""], "there is no threshold called nothing"),
    ],
)
def test_a_wish_that_cannot_be_had_is_told_before_work(
    scan: Scan, tmp_path: Path, options: list[str], told: str
) -> None:
    """Exit code 2, the option at fault, and what would do; nothing is analysed."""
    said = analysed(scan.folder, tmp_path, *options)
    assert said.code == 2
    assert told in " ".join(said.err.split())
    assert not list(tmp_path.iterdir())


@pytest.fixture
def far_away() -> Iterator[None]:
    """The process in another time zone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
def test_a_copy_gives_the_same_bytes(run: tuple[Said, Path], scan: Scan, tmp_path: Path) -> None:
    """A zip under other names, in another order, later, in another time zone: nothing differs."""
    files = list(scan.files)
    random.Random(3).shuffle(files)
    source = tmp_path / "copy.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number, path in enumerate(files):
            archive.write(path, f"IMAGES/{number:03d}")
    said = analysed(source, tmp_path / "out", "--json")
    (series,) = said.json["series"]
    assert series["state"] == "analysed"
    assert series["stages_s"]["predict"] > 0
    assert tree(Path(series["folder"])) == tree(run[1])


def test_the_results_may_lie_below_the_images(scan: Scan, tmp_path: Path) -> None:
    """A second run takes the place of the first and does not analyse its results."""
    folder = tmp_path / "scan"
    shutil.copytree(scan.folder, folder)
    first, second = (analysed(folder, folder / "out", "--json").json for _ in range(2))
    assert first["files"] == second["files"] == len(scan.files)
    assert [s["state"] for s in second["series"]] == ["analysed"]
    assert [p.name for p in (folder / "out").iterdir()] == [scan.series_uid]


def test_images_are_never_taken_for_old_results(scan: Scan, tmp_path: Path) -> None:
    """A folder of the series' name that this command did not make is left alone: exit code 2."""
    images = tmp_path / scan.series_uid
    shutil.copytree(scan.folder, images)
    before = tree(images)
    for source in (images, tmp_path):
        said = analysed(source, tmp_path)
        assert said.code == 2
        assert f"{images} is there already" in said.err
        assert tree(images) == before


def test_every_other_series_is_listed_with_its_reason(scan: Scan, tmp_path: Path) -> None:
    """A topogram is no fault; a perfusion series that is too short is one: exit code 1."""
    folder = tmp_path / "study"
    shutil.copytree(scan.folder, folder)
    topogram(folder / "topogram", seed=5)
    beside = analysed(folder, tmp_path / "beside", "--json")
    short_scan(folder / "short", seed=6)
    with_short = analysed(folder, tmp_path / "with-short", "--json")
    assert beside.code == 0
    assert sorted(s["state"] for s in beside.json["series"]) == ["analysed", "refused"]
    assert with_short.code == 1
    codes = {s["reason"] and s["reason"]["code"] for s in with_short.json["series"]}
    assert codes == {None, "localizer", "too_short"}
    (short,) = [s for s in with_short.json["series"] if s["reason"] and s["folder"]]
    assert [f["kind"] for f in short["files"]] == ["refusal_page"]


def test_files_that_are_no_images_are_counted(scan: Scan, tmp_path: Path) -> None:
    """What was passed over is said, with one example; copies of an image count once."""
    folder = tmp_path / "study"
    shutil.copytree(scan.folder, folder)
    shutil.copy(scan.files[0], folder / "zz-copy")
    (folder / "README").write_text("no DICOM")
    said = analysed(folder, tmp_path / "out")
    assert said.code == 0
    assert "1 of 98 files passed over, for example README: " in said.err
    assert "1 file passed over: images that are there already." in said.err


def test_a_folder_without_images_is_found_wrong(tmp_path: Path) -> None:
    """Exit code 1, and how many files were looked at."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "letter.txt").write_text("no DICOM")
    said = analysed(tmp_path / "in", tmp_path / "out")
    assert said.code == 1
    assert f"no DICOM image in {tmp_path}/in (1 file)" in said.err


def test_a_missing_model_is_named(scan: Scan, tmp_path: Path) -> None:
    """Exit code 1, its path, and what to do; nothing is written."""
    config = settings_file(tmp_path, f'[model]\npath = "{tmp_path}/no.onnx"\n')
    said = analysed(scan.folder, tmp_path / "out", "--config", config)
    assert said.code == 1
    assert f"{tmp_path}/no.onnx does not exist" in said.err
    assert list((tmp_path / "out").iterdir()) == []


def test_results_need_a_folder(scan: Scan, tmp_path: Path) -> None:
    """A file in its place is told at once: exit code 2."""
    (tmp_path / "file").write_text("mine")
    said = analysed(scan.folder, tmp_path / "file")
    assert said.code == 2
    assert f"--out {tmp_path}/file is a file" in said.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_person_sees_a_bar_and_whole_uids(scan: Scan, tmp_path: Path) -> None:
    """A terminal shows the stages as they pass and no log line; no UID is broken over lines."""
    said = at_a_terminal(80, "analyse", scan.folder, "--out", tmp_path / "out")
    assert said.code == 0
    assert ": encode" in said.out
    assert "stage_done" not in said.out
    lines = [line.strip() for line in ANSI.sub("", said.out).splitlines()]
    assert scan.series_uid in lines


def test_a_pipe_gets_plain_lines(run: tuple[Said, Path], scan: Scan) -> None:
    """No colour, no bar, no log line: one line a series."""
    said, _ = run
    assert not ANSI.search(said.out + said.err)
    assert said.err == ""
    first, last = said.out.splitlines()
    assert scan.series_uid in first
    assert last == "Not for diagnostic use."


def as_enhanced(images: list[Dataset]) -> list[Dataset]:
    """One Enhanced CT that holds the whole scan."""
    return [enhanced(images)]


def unnumbered(images: list[Dataset]) -> list[Dataset]:
    """Images without instance numbers, in any order."""
    for image in images:
        del image.InstanceNumber
    return random.Random(5).sample(images, len(images))


def flags_of(results: Path) -> list[str]:
    return [flag["code"] for flag in numbers(results)["flags"]]


def test_images_in_every_lossless_syntax_give_the_same_bytes(
    run: tuple[Said, Path], scan: Scan, tmp_path: Path
) -> None:
    """Lossless is lossless, each image in the next syntax: all results are the plain scan's."""
    lossless = [syntax for syntax in SYNTAXES.values() if not syntax.off_by_hu]
    for number, path in enumerate(scan.files):
        lossless[number % len(lossless)].write(dcmread(path), tmp_path / f"{number:03d}.dcm")
    assert analysed(tmp_path, tmp_path / "out").code == 0
    assert tree(tmp_path / "out" / scan.series_uid) == tree(run[1])


def test_a_lossy_copy_is_analysed_and_flagged(
    run: tuple[Said, Path], scan: Scan, tmp_path: Path
) -> None:
    """The flag stands in the numbers, the loss in every object."""
    for number, path in enumerate(scan.files):
        SYNTAXES["JPEG Extended"].write(dcmread(path), tmp_path / f"{number:03d}.dcm")
    said = analysed(tmp_path, tmp_path / "out", "--json")
    (series,) = said.json["series"]
    results = Path(series["folder"])
    assert series["state"] == "analysed"
    assert "lossy" in flags_of(results)
    assert "lossy" not in flags_of(run[1])
    made = [dcmread(path, stop_before_pixels=True) for path in results.rglob("*.dcm")]
    assert made
    assert {d.LossyImageCompression for d in made if "Rows" in d} == {"01"}


@pytest.mark.parametrize(
    "layout", [as_enhanced, unnumbered, series_per_time_point, series_per_slab]
)
def test_another_layout_of_the_same_scan_gives_the_same_numbers(
    run: tuple[Said, Path], scan: Scan, layout: Writer, tmp_path: Path
) -> None:
    """Multi-frame, unnumbered, a series a time point or slab: every measurement is the plain's."""
    images = [dcmread(path) for path in sorted(scan.folder.rglob("*")) if path.is_file()]
    times = sorted({image.AcquisitionTime for image in images})
    for image in images:
        image.AcquisitionNumber = times.index(image.AcquisitionTime) + 1
    write_series(layout(images), tmp_path / "dicom")
    said = analysed(tmp_path / "dicom", tmp_path / "out", "--json")
    [found] = json.loads(said.out)["series"]
    plain = json.loads((run[1] / "numbers.json").read_text())
    assert found["measurements"] == plain["measurements"]
    assert found["flags"] == plain["flags"]
