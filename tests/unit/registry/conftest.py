"""The registry over each database it supports."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from node.registry import Registry, open_registry
from tests.support import registered as r
from tests.support.postgres import postgres_server


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    with postgres_server() as new_database:
        yield new_database


@pytest.fixture(scope="session")
def postgres_url(new_postgres: Callable[[], str]) -> str:
    url = new_postgres()
    open_registry(url, r.DATA_DIR).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/registry.sqlite"
    else:
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url) as connection:
            tables = "series, pauses, workers, canaries, alerts, alert_claims"
            people = "users, sessions, tokens, attempts"
            connection.execute(f"TRUNCATE {tables}, {people} CASCADE")
    opened = open_registry(url, r.DATA_DIR)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database that no test has opened."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    new_database: Callable[[], str] = request.getfixturevalue("new_postgres")
    return new_database()
