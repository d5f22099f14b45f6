"""One registry, several processes."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.registry import open_registry
from tests.support import registered as r
from tests.support.postgres import postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/registry.sqlite"
        return
    with postgres_server() as new_database:
        yield new_database()


def open_and_record(url: str, number: int) -> int:
    """In another process: open the registry, and record ten images."""
    registry = open_registry(url, r.DATA_DIR)
    for n in range(10):
        r.receive(registry, number * 10 + n)
    registry.close()
    return number


def test_several_processes_open_a_new_database_at_once(url: str) -> None:
    """One migrates, the others wait and go on; nothing is lost."""
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.starmap(open_and_record, [(url, n) for n in range(3)])
    assert open_registry(url, r.DATA_DIR).series(r.SERIES).instances == 30
