"""What a destination answered for each object, and what happens when it does not answer."""

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, evt

from node.errors import PeerUnreachableError
from node.ports import StoreOutcome
from node.scu import DicomPacs, is_permanent, is_stored
from node.settings import Destination
from tests.support.ctp import CtpSpec, build_instance, build_series, write_series
from tests.support.listening import listening
from tests.support.namespace import in_a_network_of_its_own
from tests.support.peers import require
from tests.support.running_node import free_port, wait_for

SMALL = CtpSpec(slices=2, frames=3)
UNCOMPRESSED = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


def pacs(port: int, ae_title: str = "PACS") -> DicomPacs:
    return DicomPacs(Destination(name="pacs", ae_title=ae_title, port=port), "PERFUSION")


def store(port: int, files: Sequence[Path]) -> list[StoreOutcome]:
    outcomes: list[StoreOutcome] = []
    pacs(port).store(files, outcomes.append)
    return outcomes


@contextmanager
def peer(
    contexts: Sequence[tuple[str, Sequence[str]]], on_store: Callable[[evt.Event], Any]
) -> Iterator[int]:
    """The port of a pynetdicom peer that supports exactly these contexts."""
    ae = AE("PACS")
    for sop_class, syntaxes in contexts:
        ae.add_supported_context(sop_class, list(syntaxes))
    server = ae.start_server(
        ("127.0.0.1", free_port()), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)]
    )
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()


def of_class(sop_class: str, number: int) -> Dataset:
    dataset = build_instance(SMALL, 0, 0)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    uid = f"{dataset.SOPInstanceUID[:50]}.{number}"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    return dataset


def test_dcmtk_stores_what_was_sent(tmp_path: Path) -> None:
    """Storescp has every object afterwards, equal to what was sent, in the order given."""
    datasets = build_series(SMALL)
    files = write_series(datasets, tmp_path / "sent")
    (folder := tmp_path / "stored").mkdir()
    port = free_port()
    command = [require("storescp", package="dcmtk"), "-od", str(folder), str(port)]

    def served() -> list[StoreOutcome]:
        with subprocess.Popen(command) as storescp:
            try:
                wait_for(lambda: answers_echo(port), "storescp answers", 30)
                return store(port, files)
            finally:
                storescp.terminate()

    outcomes = in_a_network_of_its_own(served)  # storescp listens on every address
    assert outcomes == [StoreOutcome(d.SOPInstanceUID, 0x0000) for d in datasets]
    stored = {d.SOPInstanceUID: d for d in map(dcmread, folder.iterdir())}
    assert [stored[d.SOPInstanceUID] for d in datasets] == datasets


def answers_echo(port: int) -> bool:
    try:
        return pacs(port).echo() > 0
    except PeerUnreachableError:
        return False


@pytest.mark.parametrize(
    ("status", "stored", "permanent"),
    [
        (0x0000, True, False),
        (0x0111, True, False),
        (0xB000, True, False),
        (0xB007, True, False),
        (0x0110, False, False),
        (0xA700, False, False),
        (0x0122, False, True),
        (0x0124, False, True),
        (0xA900, False, True),
        (0xC000, False, True),
        (0xC123, False, True),
    ],
    ids=lambda value: f"{value:04X}" if not isinstance(value, bool) else "",
)
def test_every_status_is_reported(
    tmp_path: Path, status: int, stored: bool, permanent: bool
) -> None:
    """The status of each object reaches the caller as the peer gave it, and none stops the rest."""
    files = write_series(build_series(SMALL), tmp_path)
    answers = iter([status] + [0x0000] * len(files))
    with peer([(CTImageStorage, UNCOMPRESSED)], lambda _: next(answers)) as port:
        outcomes = store(port, files)
    assert [o.status for o in outcomes] == [status] + [0x0000] * (len(files) - 1)
    assert is_stored(status) is stored
    assert is_permanent(status) is permanent
    assert bool(outcomes[0].message) is (status != 0)


def test_the_peers_own_words_are_passed_on(tmp_path: Path) -> None:
    """An Error Comment says more than a number."""
    answer = Dataset()
    answer.Status, answer.ErrorComment = 0xA700, "The tape is full"
    files = write_series([build_instance(SMALL, 0, 0)], tmp_path)
    with peer([(CTImageStorage, UNCOMPRESSED)], lambda _: answer) as port:
        (outcome,) = store(port, files)
    assert (outcome.status, outcome.message) == (0xA700, "The tape is full")


def test_a_rejected_context_is_skipped_and_the_rest_is_sent(tmp_path: Path) -> None:
    """A PACS without Parametric Map gets everything else; the skip says what was rejected."""
    classes = [CTImageStorage, ParametricMapStorage, SecondaryCaptureImageStorage]
    files = write_series([of_class(c, n) for n, c in enumerate(classes)], tmp_path)
    accepted = [(CTImageStorage, UNCOMPRESSED), (SecondaryCaptureImageStorage, UNCOMPRESSED)]
    with peer(accepted, lambda _: 0x0000) as port:
        outcomes = store(port, files)
    assert [o.status for o in outcomes] == [0x0000, None, 0x0000]
    assert "Parametric Map Storage" in outcomes[1].message


def test_a_peer_that_accepts_nothing_skips_everything(tmp_path: Path) -> None:
    """No context at all is a skip of each object, not an unreachable peer."""
    files = write_series(build_series(SMALL), tmp_path)
    with peer([(BasicTextSRStorage, UNCOMPRESSED)], lambda _: 0x0000) as port:
        outcomes = store(port, files)
    assert [o.status for o in outcomes] == [None] * len(files)


def test_a_peer_that_lacks_explicit_vr_is_sent_implicit(tmp_path: Path) -> None:
    """An object is encoded anew in the syntax that the peer accepted."""
    dataset = build_instance(SMALL, 0, 0)
    received: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        assert event.context.transfer_syntax == ImplicitVRLittleEndian
        received.append(event.dataset)
        return 0x0000

    with peer([(CTImageStorage, [ImplicitVRLittleEndian])], on_store) as port:
        (outcome,) = store(port, write_series([dataset], tmp_path))
    assert outcome.status == 0x0000
    assert received[0].PixelData == dataset.PixelData
    assert received[0].PatientName == dataset.PatientName


def test_a_compressed_file_is_sent_as_it_is(tmp_path: Path) -> None:
    """A file goes out in its own transfer syntax; a peer that lacks it is told of as a skip."""
    dataset = build_instance(SMALL, 0, 0)
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    files = write_series([dataset], tmp_path)
    syntaxes: list[str] = []

    def on_store(event: evt.Event) -> int:
        syntaxes.append(event.context.transfer_syntax)
        return 0x0000

    with peer([(CTImageStorage, [JPEGLSLossless])], on_store) as port:
        assert [o.status for o in store(port, files)] == [0x0000]
    with peer([(CTImageStorage, UNCOMPRESSED)], on_store) as port:
        (skipped,) = store(port, files)
    assert syntaxes == [JPEGLSLossless]
    assert skipped.status is None
    assert "JPEG-LS" in skipped.message


def test_the_bytes_on_the_disk_are_the_bytes_that_arrive(tmp_path: Path) -> None:
    """Where the peer takes a file's own syntax nothing is read and written anew in between."""
    (path,) = write_series([build_instance(SMALL, 0, 0)], tmp_path)
    received: list[bytes] = []

    def on_store(event: evt.Event) -> int:
        received.append(event.request.DataSet.getvalue())
        return 0x0000

    with peer([(CTImageStorage, UNCOMPRESSED)], on_store) as port:
        assert [o.status for o in store(port, [path])] == [0x0000]
    whole = path.read_bytes()
    assert received == [whole[144 + int.from_bytes(whole[140:144], "little") :]]


def test_a_file_that_is_gone_by_now_does_not_stop_the_rest(tmp_path: Path) -> None:
    """It is told of as unreadable; nothing of it was sent."""
    first, second, third = write_series(build_series(SMALL)[:3], tmp_path)

    def on_store(_: evt.Event) -> int:
        second.unlink(missing_ok=True)
        return 0x0000

    with peer([(CTImageStorage, UNCOMPRESSED)], on_store) as port:
        outcomes = store(port, [first, second, third])
    assert [o.status for o in outcomes] == [0x0000, None, 0x0000]
    assert not outcomes[1].readable


def test_what_is_no_dicom_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    """A stray file in a folder that is sent is named, and the others go."""
    files = write_series(build_series(SMALL), tmp_path)
    stray = tmp_path / "thumbs.db"
    stray.write_bytes(b"no DICOM")
    with peer([(CTImageStorage, UNCOMPRESSED)], lambda _: 0x0000) as port:
        outcomes = store(port, [stray, *files])
    assert [o.status for o in outcomes] == [None] + [0x0000] * len(files)
    assert outcomes[0].sop_instance_uid == "thumbs.db"
    assert [o.readable for o in outcomes] == [False] + [True] * len(files)


def test_more_classes_than_one_association_holds_are_all_sent(tmp_path: Path) -> None:
    """Over 128 contexts, several associations follow each other; a listener of ours takes all."""
    files = write_series([of_class(f"1.2.3.{n}", n) for n in range(70)], tmp_path / "sent")
    with listening(tmp_path / "spool", ae_title="PACS") as node:
        outcomes = store(node.port, files)
        assert [o.status for o in outcomes] == [0x0000] * 70
        assert node.listener.counts.associations == 2
        assert len(node.intake.rows) == 70


def test_an_abort_midway_reports_what_was_answered(tmp_path: Path) -> None:
    """What was answered before the peer aborted is known; the rest may be tried again."""
    files = write_series(build_series(SMALL), tmp_path)
    count = iter(range(len(files)))

    def on_store(event: evt.Event) -> int:
        if next(count) == 2:
            event.assoc.abort()
        return 0x0000

    outcomes: list[StoreOutcome] = []
    with (
        peer([(CTImageStorage, UNCOMPRESSED)], on_store) as port,
        pytest.raises(PeerUnreachableError),
    ):
        pacs(port).store(files, outcomes.append)
    assert [o.status for o in outcomes] == [0x0000] * 2


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    """A closed port is a fault that may pass; nothing is reported as answered."""
    outcomes: list[StoreOutcome] = []
    port = free_port()
    with pytest.raises(PeerUnreachableError):
        pacs(port).store(write_series(build_series(SMALL), tmp_path), outcomes.append)
    with pytest.raises(PeerUnreachableError):
        pacs(port).echo()
    assert outcomes == []


def test_a_rejected_association_says_why(tmp_path: Path) -> None:
    """The reason of an A-ASSOCIATE-RJ is in the fault's words."""
    with listening(tmp_path) as node:
        assert pacs(node.port, "PERFUSION").echo() > 0
        with pytest.raises(PeerUnreachableError, match="Called AE title not recognised"):
            pacs(node.port, "OTHER").echo()


def test_two_deliveries_at_once_do_not_mix(tmp_path: Path) -> None:
    """Each caller hears of its own objects only."""
    first = write_series(build_series(SMALL), tmp_path / "a")
    second = write_series(build_series(CtpSpec(slices=2, frames=3, seed=5)), tmp_path / "b")
    results: dict[int, list[StoreOutcome]] = {}
    with peer([(CTImageStorage, UNCOMPRESSED)], lambda _: 0x0000) as port:
        threads = [
            threading.Thread(target=lambda n=n, f=f: results.update({n: store(port, f)}))
            for n, f in enumerate((first, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    for n, files in enumerate((first, second)):
        assert [o.sop_instance_uid for o in results[n]] == [
            dcmread(f).SOPInstanceUID for f in files
        ]
