"""A whole series to archives that do not take every class of results: DCMTK, so configured."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    CTImageStorage,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from node.errors import PeerUnreachableError
from node.jobs.steps import Steps
from node.ports import DeliveryState, Pacs, SeriesRecord, SeriesState
from node.wiring import Node
from tests.support.bench_node import BenchNode, bench_settings, complete_series
from tests.support.namespace import in_a_network_of_its_own
from tests.support.peers import require
from tests.support.running_node import free_port, wait_for
from tests.support.serving import served

CLASSES = (
    CTImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    ParametricMapStorage,
    ComprehensiveSRStorage,
)
LACKING = {
    "no SR": (ComprehensiveSRStorage,),
    "no SEG": (SegmentationStorage,),
    "no Parametric Map": (ParametricMapStorage,),
    "pictures alone": (SegmentationStorage, ParametricMapStorage, ComprehensiveSRStorage),
}


class SendingNode(BenchNode):
    """A node whose destinations are real."""

    def pacs(self, name: str) -> Pacs:
        return Node.pacs(self, name)


def profile(lacking: tuple[UID, ...]) -> str:
    """DCMTK's configuration of an archive that takes the other classes alone."""
    taken = ["1.2.840.10008.1.1", *(c for c in CLASSES if c not in lacking)]
    contexts = [f"PresentationContext{n} = {c}\\Plain" for n, c in enumerate(taken, 1)]
    return "\n".join(
        (
            "[[TransferSyntaxes]]",
            "[Plain]",
            "TransferSyntax1 = LocalEndianExplicit",
            "TransferSyntax2 = LittleEndianImplicit",
            "[[PresentationContexts]]",
            "[Some]",
            *contexts,
            "[[Profiles]]",
            "[Archive]",
            "PresentationContexts = Some",
            "",
        )
    )


@dataclass(frozen=True)
class Round:
    """How a round to all archives ended, what is known of it, and what the status page shows."""

    state: SeriesState | None
    record: SeriesRecord
    page: str
    held: Mapping[str, frozenset[str]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Round:
    folder = tmp_path_factory.mktemp("archives")
    return in_a_network_of_its_own(lambda: delivered(folder))  # storescp listens everywhere


def delivered(folder: Path) -> Round:
    ports = [free_port() for _ in LACKING]
    with ExitStack() as running:
        node = running.enter_context(SendingNode(bench_settings(folder / "node", *ports)))
        uid, steps = complete_series(node), Steps(node)
        steps.analyse(uid)
        for number, (port, lacking) in enumerate(zip(ports, LACKING.values(), strict=True)):
            running.enter_context(archive(folder / f"pacs{number}", port, lacking))
            wait_for(partial(answers, node, f"pacs{number}"), "storescp answers", 30)
        state = steps.deliver(uid)
        with served(node.status_app()) as address:
            page = httpx.get(f"{address}/series/{uid}").text
        held = {
            f"pacs{n}": frozenset(
                str(dcmread(path).SOPInstanceUID) for path in (folder / f"pacs{n}").iterdir()
            )
            for n in range(len(LACKING))
        }
        return Round(state, node.registry.series(uid), page, held)


@contextmanager
def archive(folder: Path, port: int, lacking: tuple[UID, ...]) -> Iterator[None]:
    """DCMTK's storescp, which keeps what it takes in ``folder``."""
    folder.mkdir()
    (configured := folder.with_suffix(".cfg")).write_text(profile(lacking))
    storescp = require("storescp", package="dcmtk")
    command = [storescp, "-xf", str(configured), "Archive", "-od", str(folder), str(port)]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


def answers(node: Node, name: str) -> bool:
    try:
        return node.pacs(name).echo() > 0
    except PeerUnreachableError:
        return False


def test_a_rejected_class_fails_nothing(sent: Round) -> None:
    """The series is DELIVERED, and every class of results was among its objects."""
    assert sent.state is SeriesState.DELIVERED
    assert {r.sop_class_uid for r in sent.record.results} == set(CLASSES)


@pytest.mark.parametrize("name", LACKING)
def test_what_an_archive_does_not_take_is_skipped_and_told_and_the_rest_is_there(
    name: str, sent: Round
) -> None:
    """Every other object is stored; each skip says which class was not accepted."""
    destination, lacking = f"pacs{list(LACKING).index(name)}", LACKING[name]
    class_of = {r.sop_instance_uid: UID(r.sop_class_uid) for r in sent.record.results}
    taken = {uid for uid, sop_class in class_of.items() if sop_class not in lacking}
    assert sent.held[destination] == taken
    owed = [d for d in sent.record.deliveries if d.destination == destination]
    assert {d.sop_instance_uid for d in owed} == set(class_of)
    for delivery in owed:
        sop_class = class_of[delivery.sop_instance_uid]
        if sop_class in lacking:
            said = f"skipped: the peer does not accept {sop_class.name}"
            assert (delivery.state, delivery.message) == (DeliveryState.SKIPPED, said)
            assert said in sent.page
        else:
            assert delivery.state is DeliveryState.STORED
    assert f"{len(taken)} stored, {len(class_of) - len(taken)} skipped" in sent.page
