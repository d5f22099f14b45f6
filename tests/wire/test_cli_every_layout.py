"""`analyse` on one patient in every layout and transfer syntax: the same volumes, or as said."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from node.inference import OnnxModel, load_model
from node.settings import WEIGHTS
from tests.support.ctp import build_series, write_series
from tests.support.layouts import LAYOUTS, SPEC, Layout
from tests.support.prompt import Said, perfusion_node, settings_file
from tests.support.syntaxes import SYNTAXES, Syntax
from tests.unit.series.test_same_maps import NEAR, analysed, written

VOLUMES = ("hypoperfusion_ml", "core_ml")
SMALL = replace(SPEC, frames=11, rows=32, pixel_mm=6.0)


@cache
def model() -> OnnxModel:
    """The shipped network, for what the volumes are to be."""
    return load_model(WEIGHTS / "perfusion.onnx", device="cpu", threads=1)


@cache
def volumes_of(layout: Layout, first: int, height: int) -> tuple[float, ...]:
    """The volumes of some slices of a scan from memory; once for all layouts of the same scan."""
    _, lesion = analysed(model(), written(layout, slice(first, first + height)))
    return lesion.hypoperfusion_ml, lesion.core_ml


def expected(layout: Layout) -> list[tuple[float, ...]]:
    """The volumes of each scan that a layout was made of and that can be analysed."""
    if layout.outcome.startswith("refused"):
        return []
    spec = replace(layout.spec, start=SPEC.start, slice_major=False)
    plain = Layout(list, spec, "", layout.time_s, layout.frames, layout.missing)
    height = spec.slices // layout.slabs
    with_contrast = 1 if "no_bolus" in layout.outcome else layout.slabs
    volumes = [volumes_of(plain, n * height, height) for n in range(with_contrast)]
    return volumes * (layout.scans // layout.slabs)


def said_of(folder: Path, *options: str | Path) -> Said:
    """What the command says of a folder; its results go beside it."""
    kept = "--only", "segmentation", "--no-html", "--json"
    return perfusion_node("analyse", folder, "--out", folder.parent / "out", *kept, *options)


def measured(series: dict[str, Any]) -> dict[str, float]:
    return {key: each["value"] for key, each in series["measurements"].items()}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_the_volumes_of_the_scan_it_was_made_of(
    layout: Layout, tmp_path: Path
) -> None:
    """From files to numbers by the command itself; or the refusal that is documented."""
    folder, seconds = tmp_path / "dicom", layout.index_interval_s
    write_series(layout.write(build_series(layout.spec)), folder)
    rule = "" if seconds is None else f"[analysis]\nindex_interval_s = {seconds}\n"
    said = said_of(folder, "--config", settings_file(tmp_path, rule))
    every = said.json["series"]
    refused = {each["reason"]["code"] for each in every if each["state"] == "refused"}
    assert refused == set(re.findall(r"refused, (\w+)", layout.outcome))
    assert len(every) == layout.scans
    found = [measured(each) for each in every if each["state"] == "analysed"]
    volumes = sorted(tuple(each[key] for key in VOLUMES) for each in found)
    assert volumes == [pytest.approx(each, abs=NEAR) for each in sorted(expected(layout))]
    flags = {flag["code"] for each in every for flag in each["flags"]}
    assert flags >= set(re.findall(r"flagged (\w+)", layout.outcome))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of the patient without any compression."""
    return in_syntax(SYNTAXES["Explicit VR LE"], tmp_path_factory.mktemp("plain") / "dicom")


def in_syntax(syntax: Syntax, folder: Path) -> dict[str, Any]:
    """What is said of a scan whose every image is in a transfer syntax."""
    folder.mkdir()
    for number, image in enumerate(build_series(SMALL)):
        syntax.write(image, folder / f"{number:03d}.dcm")
    [series] = said_of(folder).json["series"]
    assert series["state"] == "analysed"
    return dict(series)


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_syntax_gives_the_numbers_of_the_plain_one(
    name: str, plain: dict[str, Any], tmp_path: Path
) -> None:
    """Lossless: every number and check. Lossy: flagged, the volume to a tenth, 8 bits excepted."""
    syntax = SYNTAXES[name]
    series = in_syntax(syntax, tmp_path / "dicom")
    usual = measured(plain)
    assert usual["hypoperfusion_ml"] > 5.0
    if not syntax.off_by_hu:
        assert (measured(series), series["checks"]) == (usual, plain["checks"])
        return
    grades = {flag["code"]: flag["remedy"] for flag in series["flags"]}
    baseline = name == "JPEG Baseline"
    assert grades["lossy"] == ("Grade: fail." if baseline else "Grade: caution.")
    if not baseline:
        slow_ml = measured(series)["hypoperfusion_ml"]
        assert slow_ml == pytest.approx(usual["hypoperfusion_ml"], rel=0.1)
