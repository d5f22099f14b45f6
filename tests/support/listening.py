"""A listener on a free port with a real spool, and senders that can misbehave."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from node.ports import Intake, Replies, Spool, Trail
from node.scp import Listener
from node.scu.checkpoint import Checkpoint
from node.settings import Peer, ScpSettings
from node.spool import FileSpool
from tests.support.fake_intake import FakeIntake
from tests.support.peers import require
from tests.support.running_node import free_port


@dataclass
class Listening:
    """A running listener and what is behind it."""

    listener: Listener
    root: Path
    intake: FakeIntake
    received: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.listener.port

    def files(self, branch: str = "") -> list[Path]:
        """Every file of the spool, or of one branch of it."""
        return sorted(p for p in (self.root / branch).rglob("*") if p.is_file())


@contextmanager
def listening(
    root: Path,
    *,
    spool: Spool | None = None,
    intake: Intake | None = None,
    min_free_bytes: int = 0,
    replies: Replies | None = None,
    repliers: Sequence[Peer] = (),
    trail: Trail | None = None,
    **settings: Any,
) -> Iterator[Listening]:
    """A listener until the end of the block; ``settings`` are those of ``[scp]``."""
    fake = intake if isinstance(intake, FakeIntake) else FakeIntake()
    received: list[str] = []
    listener = Listener(
        ScpSettings(port=free_port(), **settings),
        spool or FileSpool(root, min_free_bytes=min_free_bytes),
        intake or fake,
        on_received=received.append,
        replies=replies,
        repliers=repliers,
        trail=trail,
    )
    listener.start()
    try:
        yield Listening(listener, root, fake, received)
    finally:
        listener.stop()


@contextmanager
def associated(
    port: int,
    contexts: Sequence[tuple[str, Sequence[str]]],
    *,
    called: str = "PERFUSION",
    calling: str = "SENDER",
) -> Iterator[Association]:
    """A sender made of pynetdicom; established or not is for the test to say."""
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    for sop_class, syntaxes in contexts:
        ae.add_requested_context(sop_class, list(syntaxes))
    pause = [(evt.EVT_CONN_OPEN, _pause_safely)]
    assoc = ae.associate("127.0.0.1", port, ae_title=called, evt_handlers=pause)
    try:
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()


def _pause_safely(event: evt.Event) -> None:
    """Without it the sender's own reactor now and then takes the answer that is waited for."""
    event.assoc._reactor_checkpoint = Checkpoint(event.assoc)


def encoded(dataset: Dataset) -> bytes:
    """The data set in Explicit VR Little Endian, as a C-STORE carries it."""
    data_set = encode(dataset, is_implicit_vr=False, is_little_endian=True)
    assert data_set is not None
    return data_set


def push(port: int, datasets: Sequence[Dataset], **titles: str) -> list[int]:
    """The statuses that datasets were answered with, over one association."""
    return push_bytes(
        port, [(str(d.SOPClassUID), str(d.SOPInstanceUID), encoded(d)) for d in datasets], **titles
    )


def push_bytes(port: int, objects: Sequence[tuple[str, str, bytes]], **titles: str) -> list[int]:
    """The statuses that (class UID, instance UID, data set) were answered with."""
    classes = dict.fromkeys(sop_class for sop_class, _, _ in objects)
    contexts = [(sop_class, [ExplicitVRLittleEndian]) for sop_class in classes]
    with associated(port, contexts, **titles) as assoc:
        assert assoc.is_established
        return [send_bytes(assoc, *each) for each in objects]


def send_bytes(assoc: Association, sop_class: str, sop_instance: str, data_set: bytes) -> int:
    """The status that any bytes at all were answered with."""
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, sop_instance
    request.DataSet = BytesIO(data_set)
    context = next(c for c in assoc.accepted_contexts if c.abstract_syntax == sop_class)
    assoc._reactor_checkpoint.clear()
    assoc.dimse.send_msg(request, context.context_id)
    _, response = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    assert response is not None, "no response"
    return int(response.Status)


def storescu(port: int, files: Sequence[Path], *options: str) -> subprocess.CompletedProcess[str]:
    """DCMTK's sender, to its end."""
    program = require("storescu", package="dcmtk")
    command = [program, "-v", "-aec", "PERFUSION", *options, "127.0.0.1", str(port)]
    return subprocess.run(
        [*command, *map(str, files)], check=False, capture_output=True, text=True, timeout=120
    )
