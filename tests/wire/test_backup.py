"""Backup while the node receives, restore, and what came between: nothing is lost."""

import os
import shutil
import sqlite3
import stat
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.ports import SeriesState
from node.registry import Registry, open_registry
from node.settings import Settings
from node.wiring import Node
from tests.support import registered as r
from tests.support.bench_node import receive_series
from tests.support.ctp import CtpSpec, build_series
from tests.support.postgres import postgres_server
from tests.support.prompt import Said, perfusion_node, registry_of, settings_file
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send

State = SeriesState
SERIES = CtpSpec(slices=2, frames=4)


def backed_up(folder: Path, config: Path) -> Path:
    file = folder / "backup.tar.gz"
    said = perfusion_node("backup", "--to", file, "--config", config)
    assert said.code == 0, said.err
    return file


def restored(file: Path, config: Path, *options: str) -> Said:
    return perfusion_node("restore", file, "--config", config, *options)


def images(folder: Path) -> int:
    with Node(Settings(data_dir=folder / "data")) as node:
        return len(node.registry.instances(SERIES.series_instance_uid))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a node whose registry knows one series."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        r.receive(registry)
    return config


def known(config: Path) -> list[str]:
    with registry_of(config) as registry:
        return [each.series_instance_uid for each in registry.list_series()]


def test_what_came_after_the_backup_is_taken_in_again(tmp_path: Path) -> None:
    """Images that were acknowledged after the backup are in the registry after the next start."""
    port, sent = free_port(), build_series(SERIES)
    with scp_process(tmp_path, port):
        first = send(port, sent[:3])
        file = backed_up(tmp_path, tmp_path / "node.toml")  # while the listener runs
        later = send(port, sent[3:])
    assert (first or []) + (later or []) == [str(each.SOPInstanceUID) for each in sent]
    said = restored(file, tmp_path / "node.toml", "--replace")
    assert said.code == 0, said.err
    assert images(tmp_path) == 3
    aged(tmp_path / "data")
    with scp_process(tmp_path, port):
        wait_for(lambda: images(tmp_path) == len(sent), "the others are taken in", 60)


def aged(folder: Path) -> None:
    """Every image was written an hour ago: no association is still at it."""
    then = time.time() - 3600.0
    for path in folder.rglob("*.dcm"):
        os.utime(path, (then, then))


def test_a_backup_is_one_moment_however_much_is_written_meanwhile(config: Path) -> None:
    """Rows go on coming; the copy is sound, and each series in it has all of its first event."""
    stop, counted = threading.Event(), [0]

    def write() -> None:
        with registry_of(config) as registry:
            while not stop.is_set():
                counted[0] += 1
                r.receive(registry, series=f"1.2.3.9.{counted[0]}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for(lambda: counted[0] > 5, "rows are written", 60)
        file = backed_up(config.parent, config)
    finally:
        stop.set()
        writer.join()
    with tarfile.open(file) as tar:
        tar.extract("registry", config.parent, filter="data")
    with sqlite3.connect(config.parent / "registry") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        series, events, rows = copy.execute(
            "SELECT (SELECT count(*) FROM series), (SELECT count(*) FROM events), "
            "(SELECT count(*) FROM instances)"
        ).fetchone()
    assert 5 < series == events == rows <= counted[0] + 1


def test_the_file_is_its_owners_alone_and_never_written_over(config: Path) -> None:
    """The settings may hold a password; an earlier backup stays."""
    file = backed_up(config.parent, config)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said = perfusion_node("backup", "--to", file, "--config", config)
    assert said.code == 2
    assert "is there already" in said.err
    assert [p.name for p in config.parent.iterdir() if p.name.startswith(".")] == []


def test_settings_come_back_where_their_file_is_gone(config: Path) -> None:
    """A new machine has the backup and nothing else."""
    file, before = backed_up(config.parent, config), config.read_text()
    config.unlink()
    shutil.rmtree(config.parent / "data")
    said = restored(file, config)
    assert said.code == 0, said.err
    assert config.read_text() == before
    assert known(config) == [r.SERIES]


def test_a_registry_that_holds_series_is_replaced_only_when_told(config: Path) -> None:
    """It is said what would be replaced; told so, the old one stays beside the new."""
    file = backed_up(config.parent, config)
    with registry_of(config) as registry:
        r.receive(registry, series="1.2.9")
    said = restored(file, config)
    assert said.code == 2
    assert "holds 2 series" in said.err
    assert "--replace" in said.err
    assert len(known(config)) == 2
    told = perfusion_node("restore", file, "--config", config, "--replace", "--json").json
    assert (told["replaced_series"], known(config)) == (2, [r.SERIES])
    with sqlite3.connect(told["kept"]) as kept:
        assert kept.execute("SELECT count(*) FROM series").fetchone() == (2,)


def test_a_node_that_runs_is_not_restored_under(tmp_path: Path) -> None:
    """A listener alone is enough: it would go on with the file that was put away."""
    port = free_port()
    with scp_process(tmp_path, port):
        send(port, build_series(SERIES)[:1])
        file = backed_up(tmp_path, tmp_path / "node.toml")
        said = restored(file, tmp_path / "node.toml", "--replace")
    assert said.code == 2
    assert "End every part of it first" in said.err
    assert images(tmp_path) == 1


@pytest.mark.parametrize("at", [10, 0.3, 0.6, 0.95])
def test_a_damaged_backup_changes_nothing(config: Path, at: float) -> None:
    """A flipped byte anywhere is found before anything is touched."""
    file = backed_up(config.parent, config)
    damaged = bytearray(file.read_bytes())
    place = int(at if at > 1 else at * len(damaged))
    damaged[place : place + 16] = bytes(byte ^ 0xFF for byte in damaged[place : place + 16])
    file.write_bytes(damaged)
    with registry_of(config) as registry:
        r.receive(registry, series="1.2.9")
    said = restored(file, config, "--replace")
    assert said.code == 1
    assert "nothing on this machine was changed" in said.err
    assert len(known(config)) == 2


@pytest.mark.parametrize("content", [b"", b"no backup", b"\x1f\x8b" + bytes(100)])
def test_what_is_no_backup_is_refused(config: Path, content: bytes) -> None:
    """And so is a file that is not there."""
    file = config.parent / "other"
    file.write_bytes(content)
    assert restored(file, config, "--replace").code == 1
    file.unlink()
    assert "there is no file" in restored(file, config, "--replace").err


def test_a_backup_of_a_newer_version_is_refused(config: Path) -> None:
    """Its schema is named, and the registry here is as it was."""
    with sqlite3.connect(config.parent / "data" / "registry.sqlite") as registry:
        registry.execute("UPDATE alembic_version SET version_num = '9999'")
    file = backed_up(config.parent, config)
    shutil.rmtree(config.parent / "data")
    said = restored(file, config)
    assert said.code == 1
    assert "schema 9999" in said.err
    assert not (config.parent / "data" / "registry.sqlite").exists()


def test_without_a_registry_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    """It is said, and no file is written."""
    said = perfusion_node("backup", "--to", tmp_path / "file", "-c", settings_file(tmp_path))
    assert said.code == 1
    assert not (tmp_path / "file").exists()


def test_a_data_dir_that_was_moved_works(tmp_path: Path) -> None:
    """Paths begin at data_dir: the registry names every file where it is now."""
    with Node(Settings(data_dir=tmp_path / "data")) as node:
        receive_series(node, SERIES)
    (tmp_path / "data").rename(tmp_path / "moved")
    with Node(Settings(data_dir=tmp_path / "moved")) as node:
        found = node.registry.instances(SERIES.series_instance_uid)
        assert len(found) == 8
        assert all(image.path.is_file() for image in found)
        assert vars(node.recovery().look()) == {"registered": 0, "lost": 0, "unreadable": 0}


def test_a_finished_series_whose_files_went_since_is_expired(config: Path) -> None:
    """What expired after the backup is not told as lost, image by image."""
    with registry_of(config) as registry:
        (seen,) = registry.receiving()
        registry.complete(seen, now=r.now(), note="whole")
        r.finish(registry)
        r.answer_all(registry)
    file = backed_up(config.parent, config)
    told = perfusion_node("restore", file, "--config", config, "--replace", "--json").json
    assert told["expired"] == 1
    with registry_of(config) as registry:
        series = registry.series(r.SERIES)
        assert series.state is State.EXPIRED
        assert "since a backup" in series.events[-1].detail
        assert registry.instances(r.SERIES) == []


@pytest.fixture
def new_database() -> Iterator[Callable[[], str]]:
    with postgres_server() as new:
        yield new


def test_postgresql_is_backed_up_and_restored(
    tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """By pg_dump and pg_restore, into another database; refused while others are connected."""
    here, there = new_database(), new_database()
    registry = open_registry(here, r.DATA_DIR)
    r.receive(registry)
    config = settings_file(tmp_path, f'database_url = "{here}"\n')
    file = backed_up(tmp_path, config)
    said = restored(file, config, "--replace")
    assert said.code == 2
    assert "to the registry's database are open" in said.err
    registry.close()
    config.write_text(config.read_text().replace(here, there))
    said = restored(file, config)
    assert said.code == 0, said.err
    names = series_of(there)
    assert names == [r.SERIES]
    assert restored(file, config).code == 2  # it holds a series now
    assert restored(file, config, "--replace").code == 0
    assert series_of(there) == [r.SERIES]


def series_of(url: str) -> list[str]:
    registry: Registry = open_registry(url, r.DATA_DIR)
    try:
        return [each.series_instance_uid for each in registry.list_series()]
    finally:
        registry.close()
