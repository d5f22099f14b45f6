"""Series laid out as vendors do are recognised, or refused with a reason."""

import dataclasses

import numpy as np
import pydicom
import pytest

from models.simulator import VENDORS, Acquisition, Faults, Realism, simulate, write_dicom
from node.refusals import Refusal, RefusalCode
from node.series import CtpSeries, Instance, read_header, recognise, stack

SMALL = Acquisition.regular("small", slices=4, frames=12, interval_s=3.0).at(32)
SPIRAL = dataclasses.replace(SMALL, sweep_s=1.2)
REFUSED = "canon_volumes"


@pytest.fixture(scope="module")
def scan():
    return simulate(7, SMALL)


def _recognised(scan, folder, vendor) -> CtpSeries | Refusal:
    paths = write_dicom(scan, folder, vendor=vendor)
    instances = [Instance(read_header(path), path) for path in paths]
    first = instances[0].header.series_instance_uid
    return recognise(i for i in instances if i.header.series_instance_uid == first)


@pytest.mark.parametrize("vendor", [name for name in VENDORS if name != REFUSED])
def test_a_vendors_series_is_recognised_and_holds_the_scan(vendor, scan, tmp_path):
    """Whatever the order of numbers, the clock and the bits: the same pixels and times."""
    series = _recognised(scan, tmp_path, vendor)
    assert isinstance(series, CtpSeries), series
    stacked = stack(series, 0.45)
    assert np.array_equal(stacked.scan.hu, scan.scan.hu)
    assert np.allclose(stacked.scan.time_s, scan.scan.time_s, atol=1e-3)
    image = pydicom.dcmread(next(tmp_path.glob("*.dcm")))
    assert image.Manufacturer == VENDORS[vendor].manufacturer


def test_one_series_a_volume_is_refused_as_no_perfusion(scan, tmp_path):
    """A layout that is not supported yet is told, never taken for a short scan."""
    refused = _recognised(scan, tmp_path, REFUSED)
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.NOT_PERFUSION
    assert "1 time point" in refused.found


@pytest.mark.parametrize(
    ("vendor", "source"),
    [
        ("ge", "AcquisitionTime"),
        ("siemens", "AcquisitionDateTime"),
        ("philips", "AcquisitionTime"),
        ("canon_archived", "ContentTime"),
    ],
)
def test_each_vendors_clock_is_the_one_it_keeps(vendor, source, scan, tmp_path):
    """The profiles differ in what tells time points apart (DICOM.md section 1.1)."""
    series = _recognised(scan, tmp_path, vendor)
    assert isinstance(series, CtpSeries)
    assert series.time_source == source


def test_a_spirals_slices_keep_their_own_times(tmp_path):
    """Upwards and downwards in turn: the times of the outer slices are mirrored."""
    scan = simulate(7, SPIRAL)
    series = _recognised(scan, tmp_path, "siemens")
    assert isinstance(series, CtpSeries)
    times = stack(series, 0.45).scan.time_s
    assert np.allclose(times[:2] - times[0, 0], [[0.0, 0.4, 0.8, 1.2], [4.2, 3.8, 3.4, 3.0]])


def test_private_elements_say_the_same_times(scan, tmp_path):
    """GE's MidScanTime [s] and DeltaStartTime [ms] agree with AcquisitionTime."""
    for path in write_dicom(scan, tmp_path, vendor="ge")[::7]:
        image = pydicom.dcmread(path)
        z, frame = divmod(int(image.InstanceNumber) - 1, SMALL.frames)
        seconds = float(image.private_block(0x0019, "GEMS_ACQU_01")[0x24].value)
        assert seconds == pytest.approx(scan.scan.time_s[frame, z], abs=1e-3)
        millis = float(image.private_block(0x0043, "GEMS_PARM_01")[0x1E].value)
        assert millis == pytest.approx(1000 * seconds, abs=1)


def test_images_that_never_arrived_are_not_written(tmp_path):
    """The node finds out itself what is missing."""
    holes = simulate(7, SMALL, realism=Realism(faults=Faults(lost_images=0.08)))
    lost = int(holes.scan.missing.sum())
    assert lost > 0
    assert len(write_dicom(holes, tmp_path)) == SMALL.frames * SMALL.slices - lost
    series = _recognised(holes, tmp_path / "again", None)
    assert isinstance(series, CtpSeries)
    assert np.array_equal(stack(series, 0.45).scan.missing, holes.scan.missing)


def test_another_vendor_is_another_study(scan, tmp_path):
    """Equal UIDs would mean equal content."""
    uids = {
        pydicom.dcmread(write_dicom(scan, tmp_path / str(v), vendor=v)[0]).SOPInstanceUID
        for v in (None, *VENDORS)
    }
    assert len(uids) == len(VENDORS) + 1


def test_an_unknown_vendor_is_refused(scan, tmp_path):
    """A typing error must not become plain headers."""
    with pytest.raises(ValueError, match="no vendor 'hitachi'"):
        write_dicom(scan, tmp_path, vendor="hitachi")
