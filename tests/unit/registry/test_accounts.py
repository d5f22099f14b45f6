"""Which files the registry names."""

from pathlib import Path

from node.ports import RecordedFile
from node.registry import Registry
from tests.support import registered as r
from tests.support.registered import SERIES


def test_files_are_named_by_their_instances(registry: Registry) -> None:
    """Recorded files and those kept apart are found; others are not."""
    for number, content in ((1, "one"), (2, "two"), (3, "three")):
        r.receive(registry, number, content=content)
    registry.record_conflict(r.header(1), r.kept("other"))
    named = registry.files_named([f"{SERIES}.1", f"{SERIES}.3", f"{SERIES}.9"])
    assert named == {r.kept(c).path for c in ("one", "three", "other")}
    assert registry.files_named([]) == set()


def test_every_recorded_file_comes_once(registry: Registry) -> None:
    """Pages follow one another without gap or overlap."""
    for number in range(1, 6):
        r.receive(registry, number, content=str(number))
    registry.record_conflict(r.header(1), r.kept("other"))
    found = [file for page in registry.recorded_files() for file in page]
    wanted = [*(str(n) for n in range(1, 6)), "other"]
    assert found == [RecordedFile(r.kept(c).path, SERIES) for c in wanted]


def test_a_lost_file_is_noted_once(registry: Registry) -> None:
    """The history says it; a second look adds nothing, another file does."""
    r.receive(registry)
    lost = RecordedFile(Path("/spool/gone.dcm"), SERIES)
    assert [registry.note_lost(lost), registry.note_lost(lost)] == [True, False]
    assert registry.note_lost(RecordedFile(Path("/spool/too.dcm"), SERIES))
