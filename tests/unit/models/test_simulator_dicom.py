"""A simulated scan's DICOM files say what the scan is, the same way every time."""

from datetime import datetime

import numpy as np
import pydicom
import pytest

from models.simulator import Acquisition, StudyHeader, simulate, write_dicom

SMALL = Acquisition.regular("small", slices=3, frames=3, interval_s=2.0).at(32)


@pytest.fixture(scope="module")
def scan():
    return simulate(7, SMALL)


def test_the_same_seed_writes_the_same_bytes(scan, tmp_path):
    """UIDs and times come from the seed, not from the clock."""
    first = write_dicom(scan, tmp_path / "first")
    again = write_dicom(simulate(7, SMALL), tmp_path / "again")
    assert len(first) == 9
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]


def test_the_files_hold_the_scan(scan, tmp_path):
    """Rescaled pixels, positions and times read back as they were simulated."""
    paths = write_dicom(scan, tmp_path)
    start = pydicom.dcmread(paths[0])
    began = datetime.strptime(start.AcquisitionDateTime, "%Y%m%d%H%M%S.%f")
    for number, path in enumerate(paths):
        frame, z = divmod(number, SMALL.slices)
        image = pydicom.dcmread(path)
        hu = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        assert np.array_equal(hu, scan.scan.hu[frame, z])
        at = datetime.strptime(image.AcquisitionDateTime, "%Y%m%d%H%M%S.%f")
        assert (at - began).total_seconds() == pytest.approx(scan.scan.time_s[frame, z])
        assert image.AcquisitionDateTime == image.AcquisitionDate + image.AcquisitionTime
        assert image.ImagePositionPatient[2] == pytest.approx((z - 1) * 5.0)
        assert (image.InstanceNumber, image.AcquisitionNumber) == (number + 1, frame + 1)


def test_a_salt_makes_another_study_of_the_same_patient(scan, tmp_path):
    """Everything has new UIDs; the patient is the same."""
    one = pydicom.dcmread(write_dicom(scan, tmp_path / "a")[0])
    two = pydicom.dcmread(write_dicom(scan, tmp_path / "b", header=StudyHeader(salt="later"))[0])
    assert one.PatientID == two.PatientID == "SIM-7"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert one[keyword].value != two[keyword].value


def test_two_acquisitions_of_a_patient_never_share_a_uid(scan, tmp_path):
    """Other pixels, other UIDs: a receiver may take equal UIDs for equal content."""
    other = simulate(7, SMALL.at(48))
    one, two = (
        pydicom.dcmread(write_dicom(s, tmp_path / str(i))[0]) for i, s in enumerate((scan, other))
    )
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_a_night_scan_rolls_over_midnight(scan, tmp_path):
    """Date and time advance together."""
    late = StudyHeader(started=datetime(2024, 12, 31, 23, 59, 58))
    last = pydicom.dcmread(write_dicom(scan, tmp_path, header=late)[-1])
    assert last.AcquisitionDate == "20250101"
    assert last.AcquisitionTime == "000002.000000"
    assert last.StudyDate == "20241231"
