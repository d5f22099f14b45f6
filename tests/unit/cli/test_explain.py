"""``explain``: what a folder holds, in the words of those who made it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from node.cli.explain import CLOCK_WORDS
from node.series.timing import CLOCKS, INDICES
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.enhanced import enhanced
from tests.support.layouts import LAYOUTS, series_per_time_point
from tests.support.prompt import perfusion_node, settings_file

SPEC = CtpSpec(rows=8, slab_offset_s=2.0)


def written(folder: Path, *series: list[Dataset]) -> Path:
    for number, datasets in enumerate(series):
        write_series(datasets, folder / str(number))
    return folder


def lines_of(folder: Path, *options: str | Path) -> list[str]:
    said = perfusion_node("explain", folder, *options)
    assert said.code == 0, said
    return [line.strip() for line in said.out.splitlines()]


def test_a_scan_is_told_with_its_grid_times_and_picture(tmp_path: Path) -> None:
    """Slices, time points, the clock in words, and a mark where a slice was imaged."""
    lines = lines_of(written(tmp_path, build_series(SPEC)))
    assert lines[0] == "CT Perfusion 5.0 (48 files)"
    assert "Would be analysed." in lines
    assert "4 slices 5 mm thick, 5 mm apart, 12 time points; 8 x 8 pixels of 6.25 mm" in lines
    assert "Times: the acquisition time (AcquisitionTime)." in lines
    assert "Each slice is imaged every 4.0 s (4.0 to 4.0 s), over 46.0 s in all." in lines
    assert "The table moves to and fro: 2 slabs are imaged in turn, 2.0 s apart." in lines
    high, middle, low = (
        next(line for line in lines if line.startswith(name)).removeprefix(f"{name} slice  ")
        for name in ("highest", "middle", "lowest")
    )
    assert [high.count("|"), middle.count("|"), low.count("|")] == [12, 12, 12]
    assert (low.index("|"), high.index("|")) == (0, 3)
    assert lines[lines.index(f"lowest slice  {low}") + 1].split() == ["0", "s", "46", "s"]


def test_what_headers_tell_of_the_quality_is_told(tmp_path: Path) -> None:
    """Each check with its number, threshold and grade, the gravest first; in JSON as well."""
    folder = written(tmp_path, build_series(SPEC)[1:])
    lines = lines_of(folder)
    first = lines.index("Caution: the scan covers 20 mm (at least 40 mm).")
    assert lines[first + 1] == "Caution: one image every 4.0 s (at most 3.5 s)."
    assert lines[first + 2].startswith("Caution: 1 of 48 images are missing")
    assert "Ok: lossy compression has changed 0 of 47 images." in lines
    assert "Ok: AcquisitionTime tells the time of 47 of 47 images." in lines
    [found] = perfusion_node("explain", folder, "--json").json
    told = {check["code"]: (check["grade"], check["readings"][0]) for check in found["checks"]}
    assert told["sampling"] == (
        "caution",
        {
            "name": "time between images",
            "value": 4.0,
            "unit": "s",
            "measured": "4 s",
            "limit": "at most 3.5 s",
        },
    )


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("one series, time by time", "All slices are imaged at once."),
        (
            "adaptive spiral",
            "Slices are imaged one after another, 2.0 s from the first to the last.",
        ),
    ],
)
def test_the_order_of_slices_is_told(layout: str, words: str, tmp_path: Path) -> None:
    """Whoever knows the scanner sees whether the node understood how the table moved."""
    spec = replace(LAYOUTS[layout].spec, rows=8)
    assert words in lines_of(written(tmp_path, LAYOUTS[layout].write(build_series(spec))))


def test_thin_slices_are_told_to_be_averaged(tmp_path: Path) -> None:
    """As many slices as the maps will have; nothing is said where slices stay as they are."""
    thin = lines_of(written(tmp_path / "thin", build_series(CtpSpec(8, rows=8, spacing_mm=2.5))))
    assert "Thin slices are averaged: 4 slices 5 mm apart." in thin
    thick = lines_of(written(tmp_path / "thick", build_series(SPEC)))
    assert not [line for line in thick if "averaged" in line]


def test_each_series_has_its_reason(tmp_path: Path) -> None:
    """What would be refused says why and what to do, beside what would be analysed."""
    short = build_series(CtpSpec(rows=8, frames=5, seed=2, series_description="Cut off"))
    plain = build_series(CtpSpec(rows=8, frames=1, seed=3, series_description="Head"))
    lines = lines_of(written(tmp_path, build_series(SPEC), short, plain))
    reasons = [line for line in lines if line.startswith("Would")]
    assert "Would be analysed." in reasons
    assert any("the series has 5 time points. Send a CT perfusion" in line for line in reasons)
    assert any("this is no CT perfusion series" in line for line in reasons)


def test_time_points_and_frames_are_told_as_the_scan_they_are(tmp_path: Path) -> None:
    """Twelve series that belong together, or one Enhanced CT, are one scan of twelve times."""
    apart = lines_of(written(tmp_path / "a", series_per_time_point(build_series(SPEC))))
    assert "12 series, each one part of this scan, belong together." in apart
    multi = lines_of(written(tmp_path / "b", [enhanced(build_series(SPEC))]))
    assert [line for line in apart if "|" in line] == [line for line in multi if "|" in line]
    assert "Times: the middle of each image's exposure (FrameReferenceDateTime)." in multi


def test_rules_are_tried_before_they_are_relied_on(tmp_path: Path) -> None:
    """A rule of the settings is named where it takes a series, and where it leaves one out."""
    folder = written(tmp_path / "dicom", build_series(SPEC))
    rules = '[[analysis.rules]]\naction = "analyse"\nmax_thickness_mm = 6\n'
    lines = lines_of(folder, "--config", settings_file(tmp_path, rules))
    assert "Note: the settings take this series (slices of 6 mm or less)." in lines
    rules = '[[analysis.rules]]\naction = "skip"\ndescription = "*perfusion*"\n'
    said = perfusion_node("explain", folder, "--config", settings_file(tmp_path, rules))
    assert said.code == 1
    assert 'the settings leave this series out (description "*perfusion*")' in said.out


def test_rules_about_peers_are_tried_with_a_peer(tmp_path: Path) -> None:
    """``--peer`` says who would have sent it; what becomes of the series is told."""
    folder = written(tmp_path / "dicom", build_series(SPEC))
    rules = '[[analysis.rules]]\naction = "usual"\npeer = "STROKE*"\npriority = 5\n'
    config = settings_file(tmp_path, rules)
    told = 'Note: the settings have a rule for this series (from "STROKE*"): priority 5.'
    assert told in lines_of(folder, "--peer", "STROKE_CT", "--config", config)
    assert told not in lines_of(folder, "--config", config)


def test_programs_read_the_same_as_json(tmp_path: Path) -> None:
    """Every time of every slice, the verdict and its code."""
    said = perfusion_node("explain", written(tmp_path, build_series(SPEC)), "--json")
    [found] = json.loads(said.out)
    assert (found["analysed"], found["slices"], found["time_points"]) == (True, 4, 12)
    assert found["times_s"][3][:3] == [2.0, 6.0, 10.0]


def test_a_folder_without_images_is_no_success(tmp_path: Path) -> None:
    """Nothing to analyse is exit code 1, and the files are counted."""
    (tmp_path / "note.txt").write_text("no DICOM")
    said = perfusion_node("explain", tmp_path)
    assert said.code == 1
    assert "1 file, 1 of them no readable" in said.err


@pytest.mark.parametrize("keyword", ["AcquisitionTime", "ImagePositionPatient"])
def test_what_is_missing_is_said(keyword: str, tmp_path: Path) -> None:
    """Without clocks or places there is no picture, and the reason says what to send."""
    images = build_series(SPEC)
    for image in images:
        del image[keyword]
        if keyword == "AcquisitionTime":
            del image.ContentTime
    said = perfusion_node("explain", written(tmp_path, images))
    assert said.code == 1
    assert "Would not be analysed: " in said.out
    assert "|" not in said.out


def test_every_source_of_the_times_has_words() -> None:
    """Whatever tells the time is explained to who asks."""
    assert set(CLOCK_WORDS) == {*CLOCKS, *INDICES}
