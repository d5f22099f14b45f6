"""One run of the soak: studies in, results out, and what everything holds after each."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset

from tests.chaos.archive import ChaosArchive
from tests.soak.reader import Reader
from tests.soak.studies import Studies
from tests.support.processes import Use, command_of, descendants
from tests.support.running_node import RunningNode, running_node, wait_for
from tests.support.scp_process import send

PATIENCE_S = 600.0
_ENDS = frozenset({"DELIVERED", "FAILED", "REFUSED"})
_PARTS = ("scp", "analyse", "deliver", "status")
_MIB = float(1 << 20)


@dataclass(frozen=True)
class Plan:
    """How many studies, and how long at most [s]; whichever is reached first."""

    studies: int
    seconds: float


@dataclass(frozen=True)
class Sample:
    """What every process holds and every store takes, after a study was delivered."""

    at_s: float
    uses: dict[str, Use]
    stores_mib: dict[str, float]


@dataclass
class Tale:
    """What happened; filled while it does."""

    samples: list[Sample] = field(default_factory=list)
    images: int = 0
    resent: int = 0
    objects: int = 0
    pages: int = 0
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All of it, to be read again."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> "Tale":
        """A run that was written."""
        told = json.loads(path.read_text())
        samples = [
            Sample(
                sample["at_s"],
                {part: Use(**use) for part, use in sample["uses"].items()},
                sample["stores_mib"],
            )
            for sample in told.pop("samples")
        ]
        return cls(samples, **told)


def soak(folder: Path, plan: Plan) -> Iterator[Tale]:
    """The tale so far, after each study; the last one says what is wrong."""
    tale, studies, archive = Tale(), Studies(folder), ChaosArchive(0)
    archive.come()
    destination = f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = {archive.port}\n'
    try:
        with running_node(folder / "node", destination) as node, Reader(node.page) as reader:
            wait_for(lambda: send(node.port, []) == [], "the listener answers")
            begun, parts = time.monotonic(), _processes(node)
            while len(tale.samples) < plan.studies and time.monotonic() - begun < plan.seconds:
                _wait_until_over(reader, _sent(node, studies.study(len(tale.samples)), tale))
                tale.samples.append(_sample(node, parts, time.monotonic() - begun))
                tale.pages, tale.objects = reader.pages, len(archive.stored)
                yield tale
            tale.faults += [*reader.faults, *_deaths(node, parts)]
            tale.faults += _missing(reader, archive, studies.sent)
        if status := node.process.returncode if node.process else 1:
            tale.faults.append(f"the node ended with {status}")
    finally:
        archive.go()
    yield tale


def _wait_until_over(reader: Reader, uid: str) -> None:
    def over() -> bool:
        return reader.series(uid).get("state") in _ENDS

    wait_for(over, f"{uid} ends", PATIENCE_S)


def _sent(node: RunningNode, rest: list[Dataset], tale: Tale) -> str:
    """The series' UID, once all of it is acknowledged."""
    uid = str(rest[0].SeriesInstanceUID)
    tale.images += len(rest)
    for _ in range(5):
        taken = set(send(node.port, rest) or ())
        rest = [image for image in rest if image.SOPInstanceUID not in taken]
        if not rest:
            return uid
        tale.resent += len(rest)
    raise AssertionError(f"{len(rest)} images of {uid} were never acknowledged")


def _processes(node: RunningNode) -> dict[str, int]:
    """The node's processes by name; each is the same one to the end."""
    assert node.process is not None
    found = {"supervisor": node.process.pid}
    for pid in descendants(node.process.pid):
        command = " ".join(command_of(pid))
        if "guard" in command:
            found["redis guard"] = pid
        elif "redis-server" in command:
            found["redis"] = pid
        elif name := next((part for part in _PARTS if f" {part} " in f"{command} "), None):
            found[name] = pid
    return found


def _sample(node: RunningNode, parts: dict[str, int], at_s: float) -> Sample:
    data = node.folder / "data"
    stores = {
        "spool": _size_mib(data / "spool"),
        "registry": sum(path.stat().st_size for path in data.glob("registry.sqlite*")) / _MIB,
        "log": (node.folder / "node.log").stat().st_size / _MIB,
    }
    uses = {}
    for name, pid in parts.items():
        if command_of(pid):
            uses[name] = Use.of(pid)
    return Sample(at_s, uses, stores)


def _size_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _MIB


def _deaths(node: RunningNode, parts: dict[str, int]) -> Iterator[str]:
    """No part died, and none was started again."""
    yield from (f"{name} died" for name, pid in parts.items() if not command_of(pid))
    if died := node.log.count("part_died"):
        yield f"parts died {died} times"


def _missing(reader: Reader, archive: ChaosArchive, sent: list[str]) -> Iterator[str]:
    """Every series is delivered; the receiver has each of its objects once, and no others."""
    named: Counter[str] = Counter()
    for uid in sent:
        record = reader.series(uid)
        named.update(result["sop_instance_uid"] for result in record["results"])
        if record["state"] != "DELIVERED":
            yield f"{uid} is {record['state']}: {record['reason']}"
    yield from (f"{uid} is not with the receiver" for uid in named - archive.stored)
    yield from (f"{uid} is with the receiver too often" for uid in archive.stored - named)
