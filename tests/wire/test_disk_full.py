"""A small disk that fills: senders are told to come again, and nothing else suffers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from node.scp import Status
from node.spool import FileSpool
from tests.chaos.disk import SmallDisk
from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import (
    Listening,
    associated,
    encoded,
    listening,
    push,
    send_bytes,
)
from tests.support.peers import missing

VERIFICATION = "1.2.840.10008.1.1"
CT = [(str(CTImageStorage), [ExplicitVRLittleEndian])]
MIB = 2**20
REJECTED_TRANSIENT, BY_PRESENTATION, CONGESTION = 2, 3, 1  # PS3.8 table 9-21


def image(number: int = 0) -> Dataset:
    return build_instance(CtpSpec(), 0, number)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "spool", size_mib=8)
    if not disk.mounted:
        missing("a disk of its own can only be mounted by root")
    yield disk
    disk.close()


@pytest.fixture
def node(small_disk: SmallDisk, tmp_path: Path) -> Iterator[Listening]:
    """A listener that leaves 2 of 8 MiB free."""
    spool = FileSpool(tmp_path / "spool", min_free_bytes=2 * MIB, low_free_bytes=4 * MIB)
    with listening(tmp_path / "spool", spool=spool) as running:
        yield running


def filled(node: Listening, left_mib: int) -> Path:
    """Somebody else's file, so large that so much is left."""
    ballast = node.root / "ballast"
    free = FileSpool(node.root, min_free_bytes=0).disk().free_bytes
    ballast.write_bytes(bytes(free - left_mib * MIB))
    return ballast


def test_at_the_hard_mark_an_association_is_rejected_for_the_moment(node: Listening) -> None:
    """Rejected transient, so that the sender tries again; an echo is still answered."""
    ballast = filled(node, left_mib=1)
    with associated(node.port, CT) as assoc:
        assert assoc.is_rejected
        answer = assoc.acceptor.primitive
        assert answer is not None
        assert (answer.result, answer.result_source, answer.diagnostic) == (
            REJECTED_TRANSIENT,
            BY_PRESENTATION,
            CONGESTION,
        )
    with associated(node.port, [(VERIFICATION, [ExplicitVRLittleEndian])]) as assoc:
        assert assoc.is_established
        assert assoc.send_c_echo().Status == 0x0000
    ballast.unlink()
    assert push(node.port, [image()]) == [0x0000]


def test_a_disk_that_fills_during_an_association_answers_out_of_resources(node: Listening) -> None:
    """A700 while there is no room, success again when there is, on the same association."""
    sent = [(str(CTImageStorage), str(image(n).SOPInstanceUID), encoded(image(n))) for n in (0, 1)]
    with associated(node.port, CT) as assoc:
        assert send_bytes(assoc, *sent[0]) == 0x0000
        ballast = filled(node, left_mib=1)
        assert send_bytes(assoc, *sent[1]) == Status.OUT_OF_RESOURCES
        ballast.unlink()
        assert send_bytes(assoc, *sent[1]) == 0x0000
    assert len(node.files("incoming")) == len(node.intake.rows) == 2


def test_what_was_received_is_brought_to_its_end_below_the_hard_mark(node: Listening) -> None:
    """Results draw on the room that is kept free: else nothing could ever be finished and go."""
    filled(node, left_mib=1)
    kept = FileSpool(node.root, min_free_bytes=2 * MIB).keep_result("1.2.3", 1, image())
    assert kept.path.is_file()


def test_between_the_marks_everything_goes_on(node: Listening) -> None:
    """Little room is an alert, no refusal."""
    filled(node, left_mib=3)
    disk = FileSpool(node.root, min_free_bytes=2 * MIB, low_free_bytes=4 * MIB).disk()
    assert (disk.low, disk.full) == (True, False)
    assert push(node.port, [image()]) == [0x0000]


def test_a_disk_that_is_full_to_the_last_page_keeps_no_litter(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    """Without a mark the disk itself says so: A700, and it recovers by itself."""
    with listening(tmp_path / "spool") as node:
        assert push(node.port, [image(1)]) == [0x0000]
        small_disk.fill()
        assert push(node.port, [image()]) == [Status.OUT_OF_RESOURCES]
        assert len(node.files()) == 1
        small_disk.empty()
        assert push(node.port, [image()]) == [0x0000]


def test_a_series_beyond_its_quota_is_turned_away_and_others_are_served(tmp_path: Path) -> None:
    """A700 for what is too much, nothing of it on disk; the next series is taken in."""
    with listening(tmp_path / "spool", max_series_images=2) as node:
        answers = push(node.port, [image(n) for n in range(4)])
        assert answers == [0x0000, 0x0000, Status.OUT_OF_RESOURCES, Status.OUT_OF_RESOURCES]
        assert len(node.files()) == 2
        assert node.listener.counts.turned_away == 2
