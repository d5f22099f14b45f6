"""The canary's scan and its truth: shipped whole, new each time, and strict."""

import json
from pathlib import Path

import pytest
from pydicom import dcmread

from node.canary import CANARY_PATIENT, CanaryScan, compared, write_scan
from node.canary.comparison import TRUTH

KNOWN = json.loads(TRUTH.read_text())
OWN = KNOWN["of_the_network"]


def test_every_run_is_a_study_of_its_own_and_of_nobody(tmp_path: Path) -> None:
    """No UID of the shipped scan, nor of another run, is sent; the patient is the canary."""
    uids = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        scan = CanaryScan.new()
        written = [dcmread(path) for path in write_scan(scan, tmp_path / name)]
        assert len(written) == KNOWN["images"]
        assert {str(d.StudyInstanceUID) for d in written} == {scan.study_instance_uid}
        assert {str(d.SeriesInstanceUID) for d in written} == {scan.series_instance_uid}
        assert {(str(d.PatientID), str(d.PatientName)) for d in written} == {
            (CANARY_PATIENT, CANARY_PATIENT)
        }
        assert all(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID for d in written)
        uids += [str(d.SOPInstanceUID) for d in written]
    assert len(set(uids)) == 2 * KNOWN["images"]


def test_the_numbers_of_the_shipped_network_are_good() -> None:
    """Both against the truth and against itself."""
    numbers = compared(OWN["numbers"], OWN["sha256"])
    assert {n.against for n in numbers} == {"truth", "network"}
    assert [n for n in numbers if not n.good] == []


@pytest.mark.parametrize("change", [0.9, 1.1])
def test_a_tenth_more_or_less_is_seen_where_the_network_is_known(change: float) -> None:
    """Half the precision, another driver, a broken kernel: the shipped network's numbers move."""
    moved = {key: value * change for key, value in OWN["numbers"].items()}
    assert any(not n.good for n in compared(moved, OWN["sha256"]))
    assert all(n.good for n in compared(moved, "another network"))


def test_a_number_that_is_missing_is_wrong() -> None:
    """Nothing found is not the same as nothing wrong."""
    assert not any(n.good for n in compared({}, OWN["sha256"]))
    none = dict.fromkeys(OWN["numbers"])
    assert not any(n.good for n in compared(none, OWN["sha256"]))
