"""The sender's ledger against spool, registry and PACS: lost, doubled, stuck."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from node.ports import DeliveryState, SeriesRecord, SeriesState
from node.wiring import Node
from tests.chaos.archive import ChaosArchive
from tests.chaos.sender import Study
from tests.chaos.stage import QUIET_S
from tests.support.listening import encoded

_ARRIVED = (DeliveryState.STORED, DeliveryState.WARNING)


@dataclass(frozen=True)
class Books:
    """What the ledger is compared with; no process whose command names ``folder`` may be left."""

    folder: Path
    node: Node
    archive: ChaosArchive


@dataclass(frozen=True)
class Audit:
    """What was found, in words; empty is what everybody hopes for."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    stuck: tuple[str, ...]
    litter: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.stuck or self.litter)


def audited(books: Books, studies: Sequence[Study]) -> Audit:
    """Compares; nothing may run any more but the registry's database."""
    registry = books.node.registry
    records = {
        s.spec.series_instance_uid: registry.series(s.spec.series_instance_uid) for s in studies
    }
    series = records.values()
    lost = [found for study in studies for found in _lost(books, study)]
    doubled = [*_revisions(studies, records), *_results(books, series), *_pacs(books, series)]
    stuck = [found for record in series for found in _stuck(books, record)]
    if len(registry.list_series(limit=10 * len(studies) + 10)) != len(studies):
        doubled.append("the registry has series that nobody sent")
    return Audit(tuple(lost), tuple(doubled), tuple(stuck), tuple(_litter(books)))


def _lost(books: Books, study: Study) -> Iterator[str]:
    """Every acknowledged image is on disk, whole, and in the registry once."""
    uid = study.spec.series_instance_uid
    images = books.node.registry.instances(uid)
    rows = Counter(image.header.sop_instance_uid for image in images)
    paths = {image.header.sop_instance_uid: image.path for image in images}
    for sent in study.images:
        name = str(sent.SOPInstanceUID)
        if name not in study.acknowledged:
            yield f"{name} was never acknowledged"
        elif rows[name] != 1:
            yield f"{name} has {rows[name]} rows"
        elif not _same(paths[name], sent):
            yield f"{name} is not on disk as it was sent"
    if study.other is not None:
        apart = list((books.node.spool.root / "apart").rglob(f"{study.other.SOPInstanceUID}/*.dcm"))
        if len(apart) != 1 or not _same(apart[0], study.other):
            yield f"other bytes of {study.other.SOPInstanceUID} are apart {len(apart)} times"
    if (found := books.node.registry.series(uid).conflicts) != (study.other is not None):
        yield f"{uid} has {found} conflicts"


def _same(path: Path, sent: Dataset) -> bool:
    return path.is_file() and encoded(dcmread(path)) == encoded(sent)


def _revisions(studies: Sequence[Study], records: dict[str, SeriesRecord]) -> Iterator[str]:
    """A further revision has its reason: images that came after the quiet time."""
    for study in studies:
        record = records[study.spec.series_instance_uid]
        if record.instances != len(study.images):
            yield f"{record.series_instance_uid} counts {record.instances} images"
        if record.revision > 1 and study.longest_pause_s < QUIET_S:
            pause_s = study.longest_pause_s
            yield (
                f"{record.series_instance_uid} has revision {record.revision}, "
                f"though no pause was longer than {pause_s:.1f} s"
            )


def _results(books: Books, series: Iterable[SeriesRecord]) -> Iterator[str]:
    """The same objects of every series, each once, and no others on disk."""
    kinds = {}
    for record in series:
        current = [r for r in record.results if r.revision == record.revision]
        kinds[record.series_instance_uid] = tuple(sorted(Counter(r.kind for r in current).items()))
        folder = books.node.spool.root / "results" / record.series_instance_uid
        on_disk = {path.stem for path in (folder / str(record.revision)).glob("*.dcm")}
        if on_disk != {r.sop_instance_uid for r in current}:
            uid = record.series_instance_uid
            yield f"{uid}: {len(on_disk)} results on disk, {len(current)} known"
    usual = Counter(kinds.values()).most_common(1)
    for uid, found in kinds.items():
        if found != usual[0][0]:
            yield f"{uid} has the results {found}, others {usual[0][0]}"


def _pacs(books: Books, series: Iterable[SeriesRecord]) -> Iterator[str]:
    """The PACS holds what the registry says it does, and nothing else.

    Of a revision that was superseded while it was sent, the PACS may hold one that was not noted.
    """
    named, arrived, owed = set(), set(), set()
    for record in series:
        now = {r.sop_instance_uid for r in record.results if r.revision == record.revision}
        named |= {r.sop_instance_uid for r in record.results}
        arrived |= {d.sop_instance_uid for d in record.deliveries if d.state in _ARRIVED}
        owed |= {
            d.sop_instance_uid
            for d in record.deliveries
            if d.sop_instance_uid in now and d.state not in _ARRIVED
        }
    holds = set(books.archive.stored)
    yield from (f"the PACS holds {uid}, which no row names" for uid in sorted(holds - named))
    yield from (
        f"the PACS lacks {uid}, which it is said to hold" for uid in sorted(arrived - holds)
    )
    # An answer that was lost and followed by a refusal for good leaves such a one.
    unnoted = (holds & owed) - books.archive.forbidden
    yield from (f"the PACS holds {uid}, and nobody knows" for uid in sorted(unnoted))
    yield from (f"{uid} came twice with other bytes" for uid in sorted(books.archive.changed))


def _stuck(books: Books, record: SeriesRecord) -> Iterator[str]:
    """Confirmed; or failed, with the reason, where the PACS refused an object for good.

    Delivered, where nobody was asked for commitment.
    """
    now = {r.sop_instance_uid for r in record.results if r.revision == record.revision}
    deliveries = [d for d in record.deliveries if d.sop_instance_uid in now]
    failed = {d.sop_instance_uid for d in deliveries if d.state is DeliveryState.FAILED}
    rest = [d for d in deliveries if d.sop_instance_uid not in failed and d.state not in _ARRIVED]
    good = SeriesState.CONFIRMED if books.node.committing() else SeriesState.DELIVERED
    wanted = SeriesState.FAILED if failed else good
    code = record.reason.code if record.reason else None
    if record.state is not wanted or code != ("not_delivered" if failed else None):
        yield f"{record.series_instance_uid} is {record.state}, {code}, {record.waiting_for!r}"
    if rest or not deliveries:
        yield f"{record.series_instance_uid}: {len(rest)} of {len(deliveries)} are not delivered"
    for uid in sorted(failed - books.archive.forbidden):
        yield f"{uid} failed, and the PACS never refused it for good"


def _litter(books: Books) -> Iterator[str]:
    """No temporary file is left that a sweep does not remove, and no process."""
    books.node.spool.remove_litter()
    yield from (f"{path} is left" for path in (books.node.spool.root / "tmp").iterdir())
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if str(books.folder).encode() in command:
            yield f"process {process.name} is left"
