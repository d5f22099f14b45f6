"""dcmqi, which 3D Slicer reads with, finds the same numbers at the same places."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from node.derived import codes, read_report
from node.perfusion import Quantity
from tests.support.ctp import CtpSpec
from tests.support.dicom_checks import written
from tests.support.peers import PIP, require
from tests.unit.derived.case import TILTED, Case, case
from tests.unit.derived.test_places import points

SPECS = {
    "axial": CtpSpec(slices=3, frames=2, rows=16, pixel_mm=12.0),
    "oblique": CtpSpec(
        slices=4, frames=2, rows=16, pixel_mm=12.5, orientation=TILTED, spacing_mm=2.5
    ),
    "descending": CtpSpec(
        slices=3, frames=2, rows=16, orientation=(1, 0, 0, 0, -1, 0), spacing_mm=7.0
    ),
}
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # NIfTI points right and front, DICOM left and back
made = cache(case)


def dcmqi(program: str, dicom: Path, *arguments: str | Path) -> None:
    """One of dcmqi's readers, run on a file."""
    path = require(program, package="dcmqi", installer=PIP)
    command = [path, "--inputDICOM", dicom, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def volume(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A NIfTI file's values (Z, Y, X) and the patient coordinates (Z, Y, X, 3) [mm]."""
    image = nibabel.load(path)
    values = np.asarray(image.dataobj, dtype=np.float32)
    indices = np.moveaxis(np.indices(values.shape), 0, -1)
    places = nibabel.affines.apply_affine(FLIP @ image.affine, indices)
    return values.transpose(2, 1, 0), places.transpose(2, 1, 0, 3)


def told(folder: Path) -> dict[str, Any]:
    """What dcmqi says of the object beside its voxels."""
    (path,) = folder.glob("*meta.json")
    return dict(json.loads(path.read_text()))


@pytest.mark.parametrize("name", SPECS)
def test_every_value_of_a_map_is_where_the_analysis_has_it(name: str, tmp_path: Path) -> None:
    """Voxel by voxel the same float at the same patient coordinate, with its quantity and unit."""
    given = made(SPECS[name])
    for number, quantity in enumerate(Quantity):
        folder = tmp_path / str(quantity)
        (path,) = written([given.of_kind("parametric_map")[number]], folder)
        dcmqi("paramap2itkimage", path, "--outputDirectory", folder, "--outputType", "nii")
        values, places = volume(next(folder.glob("*.nii.gz")))
        assert np.array_equal(values, given.maps[quantity])
        assert np.allclose(places, points(given.geometry), atol=1e-3)
        said = told(folder)
        assert said["QuantityValueCode"]["CodeValue"] == codes.quantity(quantity).value
        assert said["MeasurementUnitsCode"]["CodeValue"] == codes.unit(quantity).value


@pytest.mark.parametrize("name", SPECS)
def test_every_segment_covers_the_voxels_of_its_mask(name: str, tmp_path: Path) -> None:
    """The set of patient coordinates of core, hypoperfusion and brain is the analysis' own."""
    given = made(SPECS[name])
    (path,) = written(given.of_kind("segmentation"), tmp_path)
    dcmqi("segimage2itkimage", path, "--outputDirectory", tmp_path, "--outputType", "nii")
    segments = [one for group in told(tmp_path)["segmentAttributes"] for one in group]
    masks = (given.maps.brain, given.lesion.hypoperfusion, given.lesion.core)
    names = [segment["SegmentLabel"].partition(" (")[0] for segment in segments]
    assert names == ["Brain", "Hypoperfusion", "Core"]
    for segment, mask in zip(segments, masks, strict=True):
        values, places = volume(tmp_path / f"{segment['labelID']}.nii.gz")
        assert lying(places[values > 0]) == lying(points(given.geometry)[mask])


def lying(places: NDArray[np.float64]) -> set[tuple[float, ...]]:
    """Patient coordinates to a hundredth of a millimetre, without a negative zero."""
    return {tuple(place) for place in (places.round(2) + 0.0).tolist()}


def test_the_report_has_the_numbers_of_the_analysis(tmp_path: Path) -> None:
    """Every measurement of the report is read, with its unit and the segment it is of."""
    given = made(SPECS["axial"])
    (document,) = given.of_kind("report")
    (path,) = written([document], tmp_path)
    dcmqi("tid1500reader", path, "--outputMetadata", tmp_path / "report.json")
    groups = json.loads((tmp_path / "report.json").read_text())["Measurements"]
    volumes = {
        group["ReferencedSegment"]: float(item["value"])
        for group in groups
        for item in group["measurementItems"]
        if "ReferencedSegment" in group and item["units"]["CodeValue"] == "ml"
    }
    brain_ml = given.maps.brain.sum() * given.maps.voxel_ml
    expected = {1: float(brain_ml), 2: given.lesion.hypoperfusion_ml, 3: given.lesion.core_ml}
    assert volumes == pytest.approx(expected, abs=0.005)
    found = sorted(float(i["value"]) for group in groups for i in group["measurementItems"])
    assert found == pytest.approx(sorted(numbers(given, document)))


def numbers(given: Case, document: Any) -> list[float]:
    """The values of the report as our own reader has them."""
    read = read_report(document)
    assert read["core_ml"] == pytest.approx(given.lesion.core_ml, abs=0.005)
    return [value for key, value in read.items() if not key.endswith(("least_ml", "most_ml"))]
