"""One database: opened, migrated, read and written in transactions, its faults translated."""

import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite

from node.errors import RegistryTooNewError, RegistryUnavailableError
from node.registry.prepared import Prepared, Statement

BUSY_TIMEOUT_S = 30.0
_BUSY_PAUSE_S = 0.01
CONNECT_TIMEOUT_S = 5
SILENCE_S = 20
"""After so long without a word the other end of a connection to PostgreSQL counts as gone [s]."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x50455246  # any number, the same in every node: "PERF"

Upsert = sqlite.Insert | postgresql.Insert


class Database:
    """A database whose schema is this version's.

    Parameters
    ----------
    url
        ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
    data_dir
        The folder that the paths in it are below.

    Raises
    ------
    RegistryUnavailableError
        If it cannot be reached or migrated.
    RegistryTooNewError
        If a newer version of the node wrote it.
    """

    def __init__(self, url: str, data_dir: Path) -> None:
        self.data_dir = data_dir
        with faults_translated():
            self._engine = _engine(sa.make_url(url))
            # SQLite makes writers poll for its lock; threads of one process queue here instead.
            self._turn: AbstractContextManager[object] = (
                threading.Lock() if self.is_sqlite else nullcontext()
            )
            self._migrate()

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a local SQLite file."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A consistent view, for reading."""
        with faults_translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(
        self, *, migrates: bool = False, made_again: bool = False
    ) -> Iterator[sa.Connection]:
        """A transaction that commits at the end of the block, or leaves nothing.

        ``made_again``: what it writes is made again from the spool if it is not there after the
        power failed, so SQLite need not wait for the disk. Nothing can be missing from the middle:
        whatever is committed later, and waited for, takes along what was committed before.
        """
        with self._turn, faults_translated(), self._engine.connect() as connection:
            connection.execution_options(writes=True, migrates=migrates, made_again=made_again)
            with connection.begin():
                yield connection
            if migrates:
                connection.invalidate()  # no other transaction goes without foreign keys

    def insert(self, table: sa.Table) -> Upsert:
        """An INSERT that knows ON CONFLICT in the dialect of this database."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def prepared(self, statement: Statement, columns: Collection[str] = ()) -> Prepared:
        """A statement in the words of this database's driver; ``columns`` of an INSERT."""
        return Prepared(statement, self._engine.dialect, columns)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    def _migrate(self) -> None:
        """Bring the schema to this version, one process at a time.

        SQLite's write lock (BEGIN IMMEDIATE) or PostgreSQL's advisory lock makes the others
        wait; they then find nothing left to do. SQLite changes some tables by dropping the old
        one, which would take along every row that refers to it: its foreign keys are off
        meanwhile, and checked at the end. A schema that is this version's is left alone: that
        check reads every row there is.
        """
        config = _migrations()
        config.attributes["data_dir"] = self.data_dir
        with self.writing(migrates=True) as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            heads = MigrationContext.configure(connection).get_current_heads()
            require_known(heads)
            if set(heads) == set(ScriptDirectory.from_config(config).get_heads()):
                return
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if self.is_sqlite and (
                broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            ):
                raise RegistryUnavailableError(f"rows of {broken[0]} would lose their series")


def require_known(heads: Iterable[str]) -> None:
    """Nothing, if this version knows the schema that a registry has.

    Raises
    ------
    RegistryTooNewError
        If it does not.
    """
    scripts = ScriptDirectory.from_config(_migrations())
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := sorted(set(heads) - known):
        raise RegistryTooNewError(
            f"the registry has schema {', '.join(unknown)}, "
            f"of which this version knows none after {scripts.get_current_head()}"
        )


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def faults_translated() -> Iterator[None]:
    """Faults of the database as :class:`RegistryUnavailableError`; bugs in a statement surface.

    Raises
    ------
    RegistryUnavailableError
        If the database does not answer, is locked for too long, or its disk fails.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError):
        raise
    except (sa.exc.DatabaseError, sa.exc.InterfaceError) as fault:
        raise RegistryUnavailableError(f"the registry does not answer: {fault.orig}") from fault
    except sqlite3.DatabaseError as fault:  # of _begin, which speaks to the driver
        raise RegistryUnavailableError(f"the registry does not answer: {fault}") from fault
    except (sa.exc.TimeoutError, sa.exc.ArgumentError, OSError) as fault:
        raise RegistryUnavailableError(f"the registry cannot be opened: {fault}") from fault


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            **_keepalives(""),
            "options": " ".join(f"-c {key}={value}" for key, value in _for_the_server().items()),
        },
    )


def _for_the_server() -> dict[str, object]:
    """What the server is asked to do for a session of ours.

    A host that vanished says no goodbye, and its session would keep what it has locked for
    hours: the server looks whether we are still there, as we look for the server.
    """
    return {
        "lock_timeout": "30s",
        "idle_in_transaction_session_timeout": "2min",
        **_keepalives("tcp_"),
    }


def _keepalives(prefix: str) -> dict[str, object]:
    """When a silent connection ends, in the words of libpq or, with ``tcp_``, of the server."""
    probes = 3
    every_s = SILENCE_S // (probes + 1)
    return {
        f"{prefix}keepalives_idle": every_s,
        f"{prefix}keepalives_interval": every_s,
        f"{prefix}keepalives_count": probes,
        "tcp_user_timeout": SILENCE_S * 1000,
    }


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        connect_args={
            "timeout": BUSY_TIMEOUT_S,
            "isolation_level": None,  # BEGIN is ours, below, not sqlite3's
            "check_same_thread": False,  # the pool hands a connection to one thread at a time
        },
        poolclass=sa.QueuePool,
        pool_size=20,
        max_overflow=-1,
    )
    sa.event.listen(engine, "connect", _durable)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _durable(connection: sqlite3.Connection, _record: Any) -> None:
    """WAL lets readers and a writer pass each other; whether a commit is synced: see _begin."""
    _wait_for_wal(connection)
    connection.execute("PRAGMA foreign_keys=ON")


def _wait_for_wal(connection: sqlite3.Connection) -> None:
    """SQLite itself does not wait for others that open the same new file: it is busy at once."""
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            is_busy = fault.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # without its extension
            if not is_busy or time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    """Writers take the lock at once: a reader that turns writer could not wait for it."""
    options = connection.get_execution_options()
    writes = options.get("writes", False)
    driver: Any = connection.connection.driver_connection
    if writes:
        synced = "NORMAL" if options.get("made_again", False) else "FULL"
        driver.execute(f"PRAGMA synchronous={synced}")  # sqlite.org/wal.html
    if options.get("migrates", False):
        driver.execute("PRAGMA foreign_keys=OFF")  # within a transaction: no effect
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
