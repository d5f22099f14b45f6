"""What cannot be stored is answered with the status that says why, and nothing of it is kept."""

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, MRImageStorage

from node.errors import SpoolError
from node.ports import DiskUse, Kept
from node.scp import Status
from node.spool import FileSpool
from tests.support.ctp import CtpSpec, build_instance, write_series
from tests.support.fake_intake import FakeIntake
from tests.support.listening import (
    Listening,
    associated,
    encoded,
    listening,
    push,
    push_bytes,
    send_bytes,
    storescu,
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "spool") as running:
        yield running


def image(number: int = 0) -> Dataset:
    return build_instance(CtpSpec(), 0, number)


def check_goes_on(node: Listening) -> None:
    """The listener still takes in a good image, and that alone is kept."""
    assert push(node.port, [image(3)]) == [0x0000]
    assert len(node.files()) == len(node.intake.rows) == 1


@pytest.mark.parametrize(
    "data_set",
    [
        b"\0" * 64,
        b"this is no DICOM data set, whatever the request says",
        struct.pack("<HH2sHI", 0x0008, 0x0016, b"OB", 0, 0xFFFFFFF0) + b"x" * 100,
    ],
    ids=["zeros", "text", "absurd length"],
)
def test_what_is_no_data_set_cannot_be_understood(node: Listening, data_set: bytes) -> None:
    """Bytes that are no DICOM are answered C000; nothing of them is kept."""
    statuses = push_bytes(node.port, [(CTImageStorage, "1.2.3", data_set)])
    assert statuses == [Status.CANNOT_UNDERSTAND]
    check_goes_on(node)


@pytest.mark.parametrize("part", [0.05, 0.3, 0.7, 0.999])
def test_a_truncated_data_set_cannot_be_understood(node: Listening, part: float) -> None:
    """An image cut off anywhere, in its header or in its pixels, is C000."""
    whole = encoded(image())
    data_set = whole[: int(part * len(whole))]
    statuses = push_bytes(node.port, [(CTImageStorage, image().SOPInstanceUID, data_set)])
    assert statuses == [Status.CANNOT_UNDERSTAND]
    check_goes_on(node)


def test_flipped_bits_never_bring_the_listener_down(node: Listening) -> None:
    """Whatever the bytes, there is a status, and afterwards a good image is taken in."""
    random_ = random.Random(4)
    whole = encoded(image())
    objects = []
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(8):
            damaged[random_.randrange(600)] ^= 1 << random_.randrange(8)
        objects.append((str(CTImageStorage), str(image().SOPInstanceUID), bytes(damaged)))
    statuses = push_bytes(node.port, objects)
    assert set(statuses) <= {0x0000, Status.CANNOT_UNDERSTAND, Status.MISMATCH}
    assert push(node.port, [image(3)]) == [0x0000]


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", ["", "../../../etc/passwd"])
def test_an_object_without_identity_cannot_be_understood(
    node: Listening, keyword: str, value: str
) -> None:
    """What lacks a UID, or has a path in its place, is C000 and no file anywhere."""
    dataset = image()
    dataset[keyword].value = value
    statuses = push_bytes(node.port, [(CTImageStorage, "1.2.3", encoded(dataset))])
    assert statuses == [Status.CANNOT_UNDERSTAND]
    check_goes_on(node)


def test_another_instance_than_announced_is_a_mismatch(node: Listening) -> None:
    """The UIDs of request and data set must be the same (PS3.4 B.2.2)."""
    other_instance = (str(CTImageStorage), "1.2.3", encoded(image()))
    other_class = (str(MRImageStorage), str(image().SOPInstanceUID), encoded(image()))
    statuses = push_bytes(node.port, [other_instance, other_class])
    assert statuses == [Status.MISMATCH, Status.MISMATCH]
    check_goes_on(node)


class FillingSpool(FileSpool):
    """Its disk has room when the association is asked for, and none afterwards."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, min_free_bytes=0)
        self.asked = 0

    def disk(self) -> DiskUse:
        self.asked += 1
        return replace(super().disk(), min_free_bytes=0 if self.asked == 1 else 1 << 62)


def test_a_full_spool_answers_out_of_resources(tmp_path: Path) -> None:
    """Without room on disk a C-STORE is answered 0xA700 and nothing is kept."""
    spool = FillingSpool(tmp_path / "spool")
    with listening(tmp_path / "spool", spool=spool) as node:
        assert push(node.port, [image()]) == [Status.OUT_OF_RESOURCES]
        assert node.files() == []
        assert node.intake.rows == {}
        assert node.listener.counts.statuses == {Status.OUT_OF_RESOURCES: 1}


def test_dcmtk_hears_that_the_spool_is_full(tmp_path: Path) -> None:
    """Another toolkit reads the same status; the next time it is rejected for the moment."""
    paths = write_series([image()], tmp_path / "sent")
    with listening(tmp_path / "spool", spool=FillingSpool(tmp_path / "spool")) as node:
        told, again = storescu(node.port, paths), storescu(node.port, paths)
    assert "OutOfResources" in told.stderr or "0xa700" in told.stderr
    assert "Rejected Transient" in again.stderr
    assert "Temporary Congestion" in again.stderr


def test_a_registry_that_is_away_answers_out_of_resources(tmp_path: Path) -> None:
    """What cannot be recorded is not acknowledged; once the registry is back, a re-send is."""
    intake = FakeIntake(available=False)
    with listening(tmp_path / "spool", intake=intake) as node:
        assert push(node.port, [image()]) == [Status.OUT_OF_RESOURCES]
        intake.available = True
        assert push(node.port, [image()]) == [0x0000]
        assert len(node.files("incoming")) == len(intake.rows) == 1


def test_too_large_an_instance_is_refused_without_being_held(tmp_path: Path) -> None:
    """Over the configured size: A700, and the association goes on."""
    with listening(tmp_path / "spool", max_instance_mib=0.002) as node:
        small = image(1)
        small.Rows = small.Columns = 8
        small.PixelData = bytes(128)
        assert push(node.port, [image(), small]) == [Status.OUT_OF_RESOURCES, 0x0000]
        assert len(node.files()) == 1


def test_a_deflated_data_set_that_is_damaged_cannot_be_understood(node: Listening) -> None:
    """A syntax that must be inflated first is checked like any other."""
    contexts = [(str(CTImageStorage), [DeflatedExplicitVRLittleEndian])]
    with associated(node.port, contexts) as assoc:
        status = send_bytes(assoc, CTImageStorage, image().SOPInstanceUID, os.urandom(500))
    assert status == Status.CANNOT_UNDERSTAND
    check_goes_on(node)


class BrokenSpool(FileSpool):
    """A spool with a fault, or a bug."""

    def __init__(self, root: Path, problem: Exception) -> None:
        super().__init__(root, min_free_bytes=0)
        self.problem: Exception | None = problem

    def keep(self, *args: object, **kwargs: object) -> Kept:
        if self.problem is not None:
            raise self.problem
        return super().keep(*args, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("problem", [SpoolError("the disk fails"), ZeroDivisionError("a bug")])
def test_a_fault_of_the_node_is_a_processing_failure(tmp_path: Path, problem: Exception) -> None:
    """A failing disk, or a bug, is 0110, which a sender may try again, and not the end."""
    spool = BrokenSpool(tmp_path / "spool", problem)
    with listening(tmp_path / "spool", spool=spool) as node:
        assert push(node.port, [image()]) == [Status.PROCESSING_FAILURE]
        spool.problem = None
        check_goes_on(node)
