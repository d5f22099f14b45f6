"""A registry of every earlier schema, filled as a night fills it, under this version."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from node.errors import RegistryTooNewError
from node.jobs.retention import Retention
from node.jobs.steps import Steps
from node.ports import SeriesRecord, SeriesState
from node.registry import open_registry, schema
from node.registry.database import Database, _engine, _migrations
from node.settings import RetentionSettings
from tests.support import registered as r
from tests.support.bench_node import (
    BenchNode,
    bench_settings,
    complete_series,
    receive_dataset,
    receive_series,
)
from tests.support.ctp import CtpSpec, build_series
from tests.support.prompt import perfusion_node, settings_file

State = SeriesState
SMALL = {"slices": 2, "frames": 10}
SCRIPTS = ScriptDirectory.from_config(_migrations())
EARLIER = [s.revision for s in SCRIPTS.walk_revisions() if s.revision not in SCRIPTS.get_heads()]
WITH_WHOLE_PATHS = {"0001", "0002"}
# What this version has counted and noted since, and could not know of rows before it.
NEW = {"size_bytes", "ended_at", "checks", "curves"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def night(folder: Path) -> Iterator[BenchNode]:
    """Series in every state that a night leaves behind."""
    with BenchNode(bench_settings(folder, 1)) as node:
        steps = Steps(node)
        delivered = complete_series(node, CtpSpec(**SMALL, seed=1))
        steps.analyse(delivered)
        steps.deliver(delivered)
        refused = complete_series(node, CtpSpec(slices=2, frames=6, seed=2))
        steps.analyse(refused)
        steps.deliver(refused)
        ready = complete_series(node, CtpSpec(**SMALL, seed=3))
        steps.analyse(ready)
        complete_series(node, CtpSpec(**SMALL, seed=4))
        for dataset in build_series(CtpSpec(**SMALL, seed=5))[:7]:
            receive_dataset(node, dataset)
        receive_series(node, CtpSpec(slices=1, frames=1, seed=6))
        node.registry.cancel(CtpSpec(seed=6).series_instance_uid)
        r.receive(node.registry, ignored=True)
        node.registry.record_conflict(r.header(), r.kept("other"))
        yield node


def rows_of(node: BenchNode) -> dict[str, list[dict[str, object]]]:
    """Every row of its registry, by table."""
    with node.registry._database.reading() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
            for table in schema.metadata.sorted_tables
        }


def put_into(url: str, head: str, rows: dict[str, list[dict[str, object]]], folder: Path) -> None:
    """A database of an earlier schema with those rows, as that version wrote them."""
    engine = _engine(sa.make_url(url))
    with engine.begin() as connection:
        config = _migrations()
        config.attributes |= {"connection": connection, "data_dir": folder}
        command.upgrade(config, head)
    old = sa.MetaData()
    old.reflect(engine)
    with engine.begin() as connection:
        for table in schema.metadata.sorted_tables:
            if table.name in old.tables and rows[table.name]:
                had = [c for c in table.columns if c.name in old.tables[table.name].columns]
                then = sa.table(table.name, *(sa.column(c.name, c.type) for c in had))
                values = [
                    {c.name: written(row[c.name], c.name, head, folder) for c in had}
                    for row in rows[table.name]
                ]
                connection.execute(sa.insert(then), values)
                if engine.dialect.name == "postgresql":  # ids that were given count as used
                    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
                    last = sa.func.max(table.c.id)
                    connection.execute(sa.select(sa.func.setval(sequence, last)))
    engine.dispose()


def written(value: object, column: str, head: str, folder: Path) -> object:
    whole = column == "path" and head in WITH_WHOLE_PATHS
    return str(folder / str(value)) if whole else value


def told(record: SeriesRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in NEW}


@pytest.mark.parametrize("head", EARLIER)
def test_a_registry_of_an_earlier_version_is_brought_to_this_one(
    night: BenchNode, folder: Path, new_url: str, head: str
) -> None:
    """Everything in it is read as before, and the node goes on with it."""
    before, rows = night.registry.list_series(), rows_of(night)
    put_into(new_url, head, rows, folder)
    settings = bench_settings(folder, 1, database_url=new_url)
    with BenchNode(settings) as node:
        registry = node.registry
        assert [told(each) for each in registry.list_series()] == [told(each) for each in before]
        for each in before:
            uid = each.series_instance_uid
            assert told(registry.series(uid)) == told(night.registry.series(uid))
            assert registry.instances(uid) == night.registry.instances(uid)
        with registry._database.reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, schema.metadata) == []
        goes_on(node, rows)


def goes_on(node: BenchNode, rows: dict[str, list[dict[str, object]]]) -> None:
    """What was due is analysed and delivered, a late image re-opens, old files go."""
    steps = Steps(node)
    waiting, ready = CtpSpec(seed=4).series_instance_uid, CtpSpec(seed=3).series_instance_uid
    assert steps.analyse(waiting) is State.READY
    assert steps.deliver(waiting) is steps.deliver(ready) is State.DELIVERED
    late = build_series(CtpSpec(**{**SMALL, "frames": 11}, seed=1))[-1]
    receive_dataset(node, late)
    assert node.registry.series(CtpSpec(seed=1).series_instance_uid).revision == 2
    with node.registry._database.reading() as connection:
        sizes = connection.execute(
            sa.select(schema.series.c.size_bytes).where(schema.series.c.state == State.DELIVERED)
        )
        assert min(sizes.scalars()) > 0
    kept = RetentionSettings(sources_days=1e-9, results_days=1e-9)
    Retention(node.registry, node.spool, kept).step()
    assert node.registry.series(waiting).state is State.EXPIRED
    assert not list((node.spool.root / "results" / waiting).rglob("*.dcm"))
    assert len(rows["series"]) == len(node.registry.list_series())


def test_a_registry_of_a_newer_version_is_refused(new_url: str, tmp_path: Path) -> None:
    """It is neither guessed at nor changed; what to do is said."""
    open_registry(new_url, tmp_path).close()
    engine = _engine(sa.make_url(new_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(RegistryTooNewError, match="schema 9999") as fault:
        Database(new_url, tmp_path)
    assert "perfusion-node restore" in fault.value.remedy


def test_the_prompt_says_what_to_do_about_a_newer_registry(tmp_path: Path) -> None:
    """`studies` and `check` name the schema and the remedy."""
    config = settings_file(tmp_path)
    (tmp_path / "data").mkdir()
    url = f"sqlite:///{tmp_path}/data/registry.sqlite"
    open_registry(url, tmp_path / "data").close()
    engine = _engine(sa.make_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    said = perfusion_node("studies", "--config", config)
    assert said.code == 1
    assert "schema 9999" in said.err
    assert "Install the version" in said.err
    found = {f["what"]: f for f in perfusion_node("check", "-c", config, "--json").json}
    assert "Install the version" in found["database"]["remedy"]
