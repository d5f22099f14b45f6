"""docs/conformance.md provoked: each status and each rejection of its tables, on the wire."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_STORE

from node.errors import SeriesExpiringError, SpoolError
from node.ports import Activity, DiskUse, Kept
from node.settings import Peer
from node.spool import FileSpool
from tests.support.ctp import CtpSpec, build_instance
from tests.support.documents import ROOT, table
from tests.support.fake_intake import FakeIntake
from tests.support.listening import Listening, associated, encoded, listening
from tests.support.running_node import wait_for

STATEMENT = ROOT / "docs" / "conformance.md"
CT = (str(CTImageStorage), [ExplicitVRLittleEndian])
Answer = tuple[str, str]


class HinderedSpool(FileSpool):
    """A spool that raises ``fault`` at each file, or whose disk is full from the first look on."""

    def __init__(self, root: Path, fault: Exception | None = None, *, looks: int = 1 << 30) -> None:
        super().__init__(root, min_free_bytes=0)
        self.fault, self.looks = fault, looks

    def keep(self, *args: object, **kwargs: object) -> Kept:
        if self.fault is not None:
            raise self.fault
        return super().keep(*args, **kwargs)  # type: ignore[arg-type]

    def disk(self) -> DiskUse:
        self.looks -= 1
        return replace(super().disk(), min_free_bytes=0 if self.looks >= 0 else 1 << 62)


def image(number: int = 0) -> Dataset:
    return build_instance(CtpSpec(), 0, number)


def altered(**elements: Any) -> Dataset:
    dataset = image()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@dataclass
class Provocation:
    """Images that are sent one after the other; the answer to the last one counts."""

    images: Sequence[tuple[str, bytes]]
    settings: dict[str, Any] = field(default_factory=dict)
    spool: Callable[[Path], FileSpool] | None = None
    intake: FakeIntake = field(default_factory=FakeIntake)

    def answer(self, root: Path) -> Answer:
        """Status and Error Comment of the last image."""
        spool = self.spool(root) if self.spool else None
        with (
            listening(root, spool=spool, intake=self.intake, **self.settings) as node,
            associated(node.port, [CT]) as assoc,
        ):
            (context,) = assoc.accepted_contexts
            assoc._reactor_checkpoint.clear()
            for uid, data_set in self.images:
                request = C_STORE()
                request.MessageID, request.Priority = 1, 2
                request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = CT[0], uid
                request.DataSet = BytesIO(data_set)
                assoc.dimse.send_msg(request, context.context_id)
                _, response = assoc.dimse.get_msg(block=True)
            assoc._reactor_checkpoint.set()
        assert isinstance(response, C_STORE)
        return f"{response.Status:04X}", str(response.ErrorComment or "")


def sent(*datasets: Dataset) -> Sequence[tuple[str, bytes]]:
    return [(str(image().SOPInstanceUID), encoded(each)) for each in datasets]


def each_its_own(*datasets: Dataset) -> Sequence[tuple[str, bytes]]:
    return [(str(each.SOPInstanceUID), encoded(each)) for each in datasets]


PROVOCATIONS: dict[str, Provocation] = {
    "stored": Provocation(sent(image())),
    "the same bytes again": Provocation(sent(image(), image())),
    "other bytes under a known UID": Provocation(sent(image(), altered(KVP="99"))),
    "the disk fails": Provocation(
        sent(image()), spool=lambda root: HinderedSpool(root, SpoolError("it fails"))
    ),
    "a bug": Provocation(sent(image()), spool=lambda root: HinderedSpool(root, KeyError("bug"))),
    "the disk is full": Provocation(sent(image()), spool=lambda root: HinderedSpool(root, looks=1)),
    "the registry is away": Provocation(sent(image()), intake=FakeIntake(available=False)),
    "files of the series are being deleted": Provocation(
        sent(image()), spool=lambda root: HinderedSpool(root, SeriesExpiringError("going"))
    ),
    "too large": Provocation(sent(image()), {"max_instance_mib": 0.002}),
    "no room beside the others": Provocation(sent(image()), {"max_receiving_mib": 0.002}),
    "one too many of a series": Provocation(
        each_its_own(image(0), image(1)), {"max_series_images": 1}
    ),
    "sent before, and the series is full": Provocation(
        each_its_own(image(0), image(1), image(0)), {"max_series_images": 1}
    ),
    "another instance": Provocation([("1.2.3", encoded(image()))]),
    "another class": Provocation(sent(altered(SOPClassUID="1.2.840.10008.5.1.4.1.1.4"))),
    "truncated": Provocation([(str(image().SOPInstanceUID), encoded(image())[:300])]),
    "no UID": Provocation(sent(altered(SeriesInstanceUID=""))),
}
SUCCESSES = {
    "stored",
    "the same bytes again",
    "other bytes under a known UID",
    "sent before, and the series is full",
}


@pytest.mark.parametrize("name", PROVOCATIONS)
def test_a_store_is_answered_with_a_row_of_the_table(name: str, tmp_path: Path) -> None:
    """Status and Error Comment together are those of one row."""
    rows = table(STATEMENT, "C-STORE statuses")
    rejoined = {(row["status"], _words(row["Error Comment"])) for row in rows}
    status, comment = PROVOCATIONS[name].answer(tmp_path / "spool")
    assert (status, comment.replace("SOP instance", "SOP class")) in rejoined
    assert (status == "0000") is (name in SUCCESSES)


def _words(comment: str) -> str:
    """The comment with the first of the two words that may stand in it."""
    return comment.replace(" (or SOP instance)", "")


def test_every_row_of_the_table_can_be_provoked(tmp_path: Path) -> None:
    """No status is stated that is never answered."""
    rows = table(STATEMENT, "C-STORE statuses")
    provoked = {each.answer(tmp_path / name) for name, each in PROVOCATIONS.items()}
    seen = {(s, c.replace("SOP instance", "SOP class")) for s, c in provoked}
    assert {(row["status"], _words(row["Error Comment"])) for row in rows} - seen == set()


@contextmanager
def paused(root: Path) -> Iterator[Listening]:
    intake = FakeIntake(paused={Activity.RECEIVING})
    with listening(root, intake=intake) as node:
        wait_for(lambda: intake.looks > 1, "the listener looks for pauses")
        yield node


def full(root: Path) -> Any:
    return listening(root, spool=HinderedSpool(root, looks=0))


# In the order of the table: a listener, the titles of who asks, and how many others are there.
REJECTIONS: list[tuple[Callable[[Path], Any], dict[str, str], int]] = [
    (listening, {"called": "OTHER"}, 0),
    (lambda root: listening(root, allowed_peers=(Peer(ae_title="PACS"),)), {}, 0),
    (lambda root: listening(root, max_associations=2), {}, 2),
    (lambda root: listening(root, max_associations_per_peer=2), {}, 2),
    (full, {}, 0),
    (paused, {}, 0),
]


@pytest.mark.parametrize("row", range(len(REJECTIONS)))
def test_a_rejection_carries_the_codes_of_its_row(row: int, tmp_path: Path) -> None:
    """A-ASSOCIATE-RJ: result, source and reason."""
    rows = table(STATEMENT, "Association policies", number=1)
    assert len(rows) == len(REJECTIONS)
    names = ("result", "source", "reason")
    stated = tuple(int(rows[row][name].split()[0]) for name in names)
    listener, titles, others = REJECTIONS[row]
    with listener(tmp_path / "spool") as node, ExitStack() as held:
        for _ in range(others):
            assert held.enter_context(associated(node.port, [CT])).is_established
        with associated(node.port, [CT], **titles) as assoc:
            assert assoc.is_rejected
            answer = assoc.acceptor.primitive
    assert (answer.result, answer.result_source, answer.diagnostic) == stated
