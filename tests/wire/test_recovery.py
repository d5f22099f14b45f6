"""After a start spool and registry agree, whatever a crash or a careless hand left behind."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from node.errors import RegistryUnavailableError
from node.ports import Kept, Recorded, SeriesState
from node.registry import Registry, open_registry
from node.scp import Recovered, Recovery
from node.scp.part10 import file_head
from node.series import read_header
from node.spool import FileInventory, FileSpool
from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import encoded
from tests.support.running_node import wait_for

SMALL = CtpSpec(slices=2, frames=4, shuffle=1)


@dataclass
class House:
    """A spool and a registry, and what is needed to put something into one of them alone."""

    spool: FileSpool
    registry: Registry

    def keep(self, dataset: Dataset, *, ignored: bool = False, apart: bool = False) -> Kept:
        """A file that was kept long ago, without a row."""
        sent = encoded(dataset)
        uids = str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), str(ExplicitVRLittleEndian)
        part10 = (file_head(*uids, "SCANNER1"), sent)
        header = read_header(sent, ExplicitVRLittleEndian)
        if apart:
            kept = self.spool.keep_apart(part10, header)
        else:
            kept = self.spool.keep(part10, header, ignored=ignored)
        aged(kept.path)
        return kept

    def receive(self, dataset: Dataset) -> Kept:
        """A file with its row."""
        kept = self.keep(dataset)
        header = read_header(kept.path)
        self.registry.record(header, kept, calling_ae_title="SCANNER1", ignored=False)
        return kept

    def look(self) -> Recovered:
        return Recovery(FileInventory(self.spool.root), self.registry).look()


def aged(path: Path) -> None:
    """The file was written ten minutes ago."""
    then = time.time() - 600.0
    os.utime(path, (then, then))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    registry = open_registry(f"sqlite:///{tmp_path}/registry.sqlite", tmp_path)
    yield House(FileSpool(tmp_path / "spool", min_free_bytes=0), registry)
    registry.close()


def image(number: int = 0) -> Dataset:
    return build_instance(SMALL, number // SMALL.slices, number % SMALL.slices)


def test_where_both_agree_nothing_happens(house: House) -> None:
    """Every file has its row: the look finds nothing to do."""
    house.receive(image())
    assert house.look() == Recovered()


def test_a_file_without_a_row_is_registered_as_if_it_had_just_come(house: House) -> None:
    """A crash between file and row loses nothing: the series begins, its sender is known."""
    house.receive(image(0))
    kept = house.keep(image(1))
    assert house.look() == Recovered(registered=1)
    series = house.registry.series(SMALL.series_instance_uid)
    assert (series.state, series.instances) == (SeriesState.RECEIVING, 2)
    assert kept.path in [i.path for i in house.registry.instances(SMALL.series_instance_uid)]
    assert house.look() == Recovered()


def test_a_series_that_no_row_knows_says_who_sent_it(house: House) -> None:
    """The file meta names the sender."""
    house.keep(image())
    house.look()
    assert house.registry.series(SMALL.series_instance_uid).calling_ae_title == "SCANNER1"


def test_what_is_not_analysed_stays_ignored(house: House) -> None:
    """A file in the branch of what is ignored makes an ignored series."""
    other = image()
    other.SOPClassUID = SecondaryCaptureImageStorage
    house.keep(other, ignored=True)
    assert house.look() == Recovered(registered=1)
    assert house.registry.series(SMALL.series_instance_uid).state is SeriesState.IGNORED


def test_other_bytes_that_were_kept_apart_stay_a_conflict(house: House) -> None:
    """The first stays, the second is shown."""
    house.receive(image())
    changed = image()
    changed.SeriesDescription = "changed"
    house.keep(changed, apart=True)
    assert house.look() == Recovered(registered=1)
    series = house.registry.series(SMALL.series_instance_uid)
    assert (series.instances, series.conflicts) == (1, 1)
    assert house.look() == Recovered()


def test_a_row_without_its_file_is_told_once(house: House, tmp_path: Path) -> None:
    """The series' history names the file that is gone; nothing is deleted for it."""
    kept = house.receive(image())
    kept.path.unlink()
    assert house.look() == house.look() == Recovered(lost=1)
    events = house.registry.series(SMALL.series_instance_uid).events
    assert [tmp_path / e.detail for e in events if e.name == "file_lost"] == [kept.path]


def test_a_file_that_is_being_stored_is_left_to_its_association(house: House) -> None:
    """What was written this minute is recorded by whoever wrote it."""
    kept = house.keep(image())
    os.utime(kept.path)
    assert house.look() == Recovered()


def test_a_file_of_the_last_minute_before_a_crash_is_looked_at_again(house: House) -> None:
    """Too young for the first look, it is taken in by the second: its association is dead."""
    os.utime(house.keep(image()).path)
    assert house.look() == Recovered()
    recovery = Recovery(FileInventory(house.spool.root), house.registry, settled_s=1.0)
    recovery.start()
    wait_for(lambda: bool(house.registry.counts()), "it is registered", 60)
    recovery.stop()
    assert house.registry.series(SMALL.series_instance_uid).instances == 1


def test_rows_that_a_power_failure_takes_are_made_again(house: House, tmp_path: Path) -> None:
    """SQLite does not wait for the disk with a row: the file is durable and says all of it."""
    house.receive(image(0))
    on_the_disk = {path: path.read_bytes() for path in tmp_path.glob("registry.sqlite*")}
    sent = {house.receive(image(n)).path for n in range(1, 8)}
    before = house.registry.series(SMALL.series_instance_uid)
    house.registry.close()
    for path, kept in on_the_disk.items():
        path.write_bytes(kept)
    house.registry = open_registry(f"sqlite:///{tmp_path}/registry.sqlite", tmp_path)
    assert house.registry.series(SMALL.series_instance_uid).instances == 1
    assert house.look() == Recovered(registered=7)
    after = house.registry.series(SMALL.series_instance_uid)
    assert (after.instances, after.state) == (before.instances, before.state)
    assert sent <= {i.path for i in house.registry.instances(SMALL.series_instance_uid)}


def test_a_damaged_file_is_left_where_it_lies(house: House) -> None:
    """What is no DICOM is told and neither recorded nor removed."""
    kept = house.keep(image())
    kept.path.write_bytes(b"noise")
    aged(kept.path)
    assert house.look() == Recovered(unreadable=1)
    assert kept.path.read_bytes() == b"noise"


def test_the_same_file_under_a_new_path_is_nothing_new(house: House) -> None:
    """A spool that was moved holds what the registry knows, only elsewhere."""
    kept = house.keep(image())
    header, before = read_header(kept.path), Kept(Path("/before.dcm"), kept.sha256, kept.size)
    recorded = house.registry.record(header, before, calling_ae_title="CT", ignored=False)
    assert recorded is Recorded.NEW
    assert house.look() == Recovered(registered=0, lost=1)


def test_a_database_that_is_away_is_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look begins again until it has been done."""
    house.keep(image())
    monkeypatch.setattr("node.scp.recovery._AGAIN_S", 0.01)
    named, away = house.registry.files_named, [True, True]

    def sometimes(uids: list[str]) -> set[Path]:
        if away:
            away.pop()
            raise RegistryUnavailableError("away")
        return named(uids)

    monkeypatch.setattr(house.registry, "files_named", sometimes)
    recovery = Recovery(FileInventory(house.spool.root), house.registry)
    recovery.start()
    deadline = time.monotonic() + 30.0
    while not house.registry.counts().get(SeriesState.RECEIVING) and time.monotonic() < deadline:
        time.sleep(0.02)
    recovery.stop()
    assert not away
    assert house.registry.series(SMALL.series_instance_uid).instances == 1
