"""NIfTI files hold every value at its place in the patient."""

import gzip
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from node.exports import Exporter
from node.exports.nifti import nifti
from node.perfusion import Quantity
from node.series import Geometry
from tests.support.ctp import CtpSpec
from tests.unit.derived.case import TILTED, Case, case

SPECS = [
    CtpSpec(slices=3, frames=2, rows=16, pixel_mm=12.0),
    CtpSpec(slices=4, frames=2, rows=16, pixel_mm=12.5, orientation=TILTED, spacing_mm=2.5),
    CtpSpec(slices=3, frames=2, rows=16, orientation=(1, 0, 0, 0, -1, 0), spacing_mm=7.0),
    CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0),
]
IDS = ["axial", "oblique", "descending", "one slice"]


def exported(given: Case) -> tuple[dict[str, nibabel.Nifti1Image], Exporter]:
    """Every NIfTI file of a case, by its name, and the exporter that made them."""
    exporter = Exporter(frozenset({"nifti"}))
    files = [f for made in given.encoded() for f in exporter.add(made)]
    files += exporter.finish({})
    named = {f.name.removeprefix("nifti/").removesuffix(".nii.gz"): f.data for f in files}
    read = {
        name: nibabel.Nifti1Image.from_bytes(gzip.decompress(data)) for name, data in named.items()
    }
    return read, exporter


def patient_mm(image: nibabel.Nifti1Image) -> NDArray[np.float64]:
    """(Z, Y, X, 3) DICOM patient coordinates of the voxels [mm], as the file's sform says."""
    index = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1)
    ras = index @ image.affine[:3, :3].T + image.affine[:3, 3]
    return (ras * [-1, -1, 1]).transpose(2, 1, 0, 3)


def expected_mm(geometry: Geometry) -> NDArray[np.float64]:
    """(Z, Y, X, 3) patient coordinates of the pixel centres [mm], PS3.3 C.7.6.2.1.1."""
    row, column = np.array(geometry.orientation[:3]), np.array(geometry.orientation[3:])
    x = np.arange(geometry.columns)[:, None] * geometry.pixel_mm[1] * row
    y = np.arange(geometry.rows)[:, None] * geometry.pixel_mm[0] * column
    return geometry.position_mm[:, None, None] + y[None, :, None] + x[None, None]


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_every_value_stands_at_its_place_in_the_patient(spec: CtpSpec) -> None:
    """Maps exactly, segments voxel by voxel, the CT to a grey level, all within a micrometre."""
    given = case(spec)
    read, exporter = exported(given)
    assert not exporter.notes
    assert set(read) == {*Quantity, "core", "hypoperfusion", "brain", "background"}
    for image in read.values():
        assert np.allclose(patient_mm(image), expected_mm(given.geometry), atol=1e-3)
        assert image.header.get_xyzt_units()[0] == "mm"
    values = {name: np.asarray(image.dataobj).transpose(2, 1, 0) for name, image in read.items()}
    for quantity in Quantity:
        assert np.array_equal(values[quantity], given.maps[quantity])
    assert np.array_equal(values["core"], given.lesion.core)
    assert np.array_equal(values["hypoperfusion"], given.lesion.hypoperfusion)
    assert np.array_equal(values["brain"], given.maps.brain)
    assert np.allclose(values["background"], given.maps.baseline_hu, atol=0.5)


def test_a_tilted_gantrys_shear_is_kept() -> None:
    """Slices shifted along the column: the sform is sheared, and there is no qform to mislead."""
    given = case(SPECS[0])
    lean = np.arange(3)[:, None] * np.array([0.0, 2.0, 0.0])
    tilted = replace(given.geometry, position_mm=given.geometry.position_mm + lean)
    data = nifti(given.maps[Quantity.CBF], tilted, "CBF")
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(data))
    assert np.allclose(patient_mm(image), expected_mm(tilted), atol=1e-3)
    assert int(image.header["qform_code"]) == 0
    assert int(image.header["sform_code"]) == 1


def test_slices_at_uneven_distances_give_no_file_and_a_reason() -> None:
    """NIfTI knows one distance between slices: a file with another would be a lie."""
    given = case(CtpSpec(slices=4, frames=2, rows=16, pixel_mm=12.0))
    positions = given.geometry.position_mm.copy()
    positions[-1] += [0.0, 0.0, 1.5]
    read, exporter = exported(
        replace(given, geometry=replace(given.geometry, position_mm=positions))
    )
    assert read == {}
    (note,) = exporter.notes
    assert "off an even grid" in note
    with pytest.raises(ValueError, match="even grid"):
        nifti(given.maps[Quantity.CBF], replace(given.geometry, position_mm=positions), "CBF")


def test_the_header_says_what_the_values_are() -> None:
    """Quantity and unit stand in the description, with what the file is not for."""
    read, _ = exported(case(SPECS[0]))
    said = bytes(read["CBF"].header["descrip"]).decode().rstrip("\0")
    assert said == "Cerebral blood flow [ml/100 g/min], not for diagnostic use"


def test_the_same_volume_gives_the_same_bytes() -> None:
    """No time of day is in the file."""
    given = case(SPECS[0])
    first, second = (nifti(given.maps[Quantity.MTT], given.geometry, "MTT") for _ in range(2))
    assert first == second
