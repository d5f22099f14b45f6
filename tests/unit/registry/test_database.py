"""The database itself: migrations, many processes at once, indices, no identity."""

import re
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from node.errors import RegistryUnavailableError
from node.ports import Ended, Part
from node.registry import Registry, open_registry, schema
from node.registry import database as database_module
from node.registry.database import Database, _engine
from tests.support import registered as r


def test_the_migrations_lead_to_the_tables_that_are_used(new_url: str) -> None:
    """No table, column or index differs between the migrations and the schema in use."""
    database = Database(new_url, r.DATA_DIR)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    database.close()


def test_a_database_that_is_not_there_is_a_fault_with_a_remedy(tmp_path: Path) -> None:
    """A server that does not answer, a broken file and a bad URL are all said the same way."""
    (tmp_path / "broken.sqlite").write_bytes(b"this is no database" * 100)
    for url in (
        "postgresql://node@127.0.0.1:1/nothing",
        f"sqlite:///{tmp_path}/broken.sqlite",
        "no url at all",
    ):
        with pytest.raises(RegistryUnavailableError) as fault:
            open_registry(url, tmp_path)
        assert "database_url" in fault.value.remedy


def test_a_server_that_goes_away_comes_back(new_postgres: Callable[[], str]) -> None:
    """A connection that the server cut is replaced; nobody has to restart the node."""
    url = new_postgres()
    registry = open_registry(url, r.DATA_DIR)
    r.receive(registry)
    other = sa.create_engine(url.replace("postgresql", "postgresql+psycopg"))
    with other.begin() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.dispose()
    assert registry.counts()


def test_sqlite_is_durable_and_lets_readers_pass(tmp_path: Path) -> None:
    """Commits are synchronised to disk but for rows that the spool can make again."""

    def synced(connection: sa.Connection) -> str:
        number = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        return {1: "NORMAL", 2: "FULL"}[number]

    database = Database(f"sqlite:///{tmp_path}/a.sqlite", tmp_path)
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    for _ in range(2):  # it is the same connection that is taken each time
        with database.writing(made_again=True) as connection:
            assert synced(connection) == "NORMAL"
        with database.writing() as connection:
            assert synced(connection) == "FULL"
    with database.writing(), database.reading() as reading:
        assert reading.execute(sa.select(schema.series)).all() == []


def test_a_new_file_that_another_process_is_opening_is_waited_for(tmp_path: Path) -> None:
    """Parts that start together on an empty folder: SQLite itself would not wait at this point."""
    file = tmp_path / "registry.sqlite"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE anything (x)")
    done = threading.Timer(0.3, other.execute, ("ROLLBACK",))
    done.start()
    registry = open_registry(f"sqlite:///{file}", r.DATA_DIR)
    done.join()
    other.close()
    r.receive(registry, 0)
    assert registry.series(r.SERIES).instances == 1


def test_a_file_that_is_locked_for_good_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for as long as for any other lock."""
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.1)
    file = tmp_path / "registry.sqlite"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE anything (x)")
    with pytest.raises(RegistryUnavailableError, match="locked"):
        open_registry(f"sqlite:///{file}", r.DATA_DIR)
    other.close()


def test_what_fails_half_way_leaves_nothing(new_url: str) -> None:
    """A transaction is whole or not at all."""
    database = Database(new_url, r.DATA_DIR)

    class Interrupted(Exception):  # noqa: N818 - no error of the node
        pass

    def interrupted() -> None:
        with database.writing() as connection:
            registry._tell(connection, registry._find(connection, r.SERIES), "half")
            raise Interrupted

    registry = Registry(database)
    r.receive(registry)
    with pytest.raises(Interrupted):
        interrupted()
    assert [e.name for e in registry.series(r.SERIES).events] == ["first_instance"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.counts(),
        lambda registry: registry.list_series(limit=50),
        lambda registry: registry.due(r.now()),
        lambda registry: registry.receiving(),
        lambda registry: registry.leases(),
        lambda registry: registry.series(r.SERIES),
        lambda registry: registry.expiring(),
        lambda registry: registry.expirable(Part.SOURCES, Ended.FINISHED, r.now(), 10),
        lambda registry: registry.expirable(Part.RESULTS, Ended.UNFINISHED, r.now(), 10),
        lambda registry: registry.forget(r.now(), 10),
    ],
    ids=[
        *("counts", "list", "due", "receiving", "leases", "series"),
        *("expiring", "images", "results", "forget"),
    ],
)
def test_no_question_reads_every_row(tmp_path: Path, ask: Callable[[Registry], object]) -> None:
    """Everything that is asked often goes by an index, however many series there are."""
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", tmp_path)
    registry = Registry(database)
    r.ready(registry)
    asked = _statements(database)
    ask(registry)
    questions = [(s, p) for s, p in asked if s.startswith("SELECT")]
    assert questions
    with database.reading() as connection:
        for statement, parameters in questions:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in plan]
            scans = [s for s in steps if s.startswith("SCAN") and "INDEX" not in s]
            # In the order of an index until there are enough, and then what there is enough of.
            limited = ("SCAN series", "SCAN anon_1") if "LIMIT" in statement else ()
            assert set(scans) <= set(limited), steps


def test_what_may_expire_is_looked_up_by_when_it_ended(tmp_path: Path) -> None:
    """Of a hundred thousand series that ended lately, none is read to find those that are old."""
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", tmp_path)
    registry, asked = Registry(database), _statements(database)
    for part in Part:
        for ended in Ended:
            asked.clear()
            registry.expirable(part, ended, r.now(), 10)
            [(statement, parameters)] = [each for each in asked if each[0].startswith("SELECT")]
            with database.reading() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                first = next(row[3] for row in plan)
            assert "state=? AND ended_at<?" in first


def test_every_reference_is_found_by_an_index() -> None:
    """What refers to a row that is deleted is not searched for among everything."""
    for table in schema.metadata.sorted_tables:
        firsts = {next(iter(index.columns)).name for index in table.indexes}
        firsts |= {next(iter(c.columns)).name for c in table.constraints if len(c.columns)}
        assert {key.parent.name for key in table.foreign_keys} <= firsts, table.name


def test_opening_a_registry_anew_reads_none_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Foreign keys are checked after a migration, which may break them, and not at each start."""
    url, checked = f"sqlite:///{tmp_path}/a.sqlite", []

    def listening(engine: sa.Engine) -> sa.Engine:
        sa.event.listen(
            engine,
            "before_cursor_execute",
            lambda _c, _cur, statement, *_: checked.append("foreign_key_check" in statement),
        )
        return engine

    monkeypatch.setattr(database_module, "_engine", lambda url: listening(_engine(url)))
    Database(url, tmp_path).close()
    assert sum(checked) == 1
    Database(url, tmp_path).close()
    assert sum(checked) == 1


def _statements(database: Database) -> list[tuple[str, object]]:
    """What the database is asked from now on, with the parameters."""
    asked: list[tuple[str, object]] = []
    sa.event.listen(
        database._engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, parameters, _ctx, _many: asked.append((statement, parameters)),
    )
    return asked


def test_no_column_is_meant_for_a_patient() -> None:
    """The registry has no place for identity; it stays in the files."""
    names = [c.name for t in schema.metadata.sorted_tables for c in t.columns]
    assert [n for n in names if re.search("patient|birth|sex|accession|_name", n)] == []
