"""A registry as one file, taken while the node runs, and put in the place of another."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from node.errors import CopyToolError, RegistryUnavailableError
from node.registry.database import faults_translated

_HELD_APART = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Contents:
    """What a registry holds: the heads of its schema (none: it is empty), and how many series."""

    schema: tuple[str, ...]
    series: int


class RegistryCopies:
    """The registry at a URL, to be copied out and in; it is never migrated here.

    SQLite is copied by its online backup, PostgreSQL by ``pg_dump`` and ``pg_restore``: each is
    one consistent moment, however much is written meanwhile.

    Parameters
    ----------
    url
        As of :func:`node.registry.open_registry`.
    """

    def __init__(self, url: str) -> None:
        with faults_translated():
            self._url = sa.make_url(url)
        self._file = Path(self._url.database or "") if self.kind == "sqlite" else None

    @property
    def kind(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._url.get_backend_name()

    def contents(self) -> Contents:
        """What is there now.

        Raises
        ------
        RegistryUnavailableError
            If the database does not answer.
        """
        if self._file is not None and not self._file.exists():
            return Contents((), 0)
        with self._connected() as connection:
            names = sa.inspect(connection).get_table_names()
            if "alembic_version" not in names:
                return Contents((), 0)
            heads = connection.execute(sa.text("SELECT version_num FROM alembic_version"))
            series = connection.execute(sa.text("SELECT count(*) FROM series")).scalar_one()
            return Contents(tuple(sorted(heads.scalars())), series)

    def others_connected(self) -> int:
        """How many other connections a database server has to this registry; 0 for a file."""
        if self._file is not None:
            return 0
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self._connected() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())

    def copy_out(self, file: Path) -> None:
        """Write the registry as it is at this moment.

        Raises
        ------
        RegistryUnavailableError
            If the database does not answer.
        CopyToolError
            If ``pg_dump`` is missing or fails.
        """
        if self._file is None:
            self._run("pg_dump", "--format=custom", "--no-owner", "--file", str(file))
            return
        with (
            _sqlite_faults(),
            closing(_reading(self._file)) as source,
            closing(sqlite3.connect(file)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, not three

    def copy_in(self, file: Path, apart: Path) -> Path | None:
        """Put a copy in this registry's place; where the file lies that was there before.

        Parameters
        ----------
        file
            Of :meth:`copy_out`.
        apart
            What a file that is there is called afterwards. A database server keeps nothing.

        Raises
        ------
        RegistryUnavailableError
            If the copy is damaged, or the database does not answer.
        CopyToolError
            If ``pg_restore`` is missing or fails; the database is then as it was.
        """
        if self._file is None:
            options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
            self._run("pg_restore", *options, str(file))
            return None
        with _sqlite_faults(), closing(_reading(file)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check").fetchone()
        if said != "ok":
            raise RegistryUnavailableError(f"the copy is damaged: {said}")
        with faults_translated():
            return _replace(self._file, file, apart)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        url = self._url.set(drivername="postgresql+psycopg") if self._file is None else self._url
        with faults_translated():
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.connect() as connection:
                yield connection

    def _run(self, program: str, *options: str) -> None:
        """One of PostgreSQL's own programs; the password goes by the environment."""
        plain = self._url.set(drivername="postgresql", password=None)
        database = f"--dbname={plain.render_as_string()}"
        environment = {**os.environ, **_password(self._url)}
        if shutil.which(program) is None:
            raise CopyToolError(f"{program} is not installed here")
        command = [program, database, *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CopyToolError(f"{program} ended with {done.returncode}: {done.stderr.strip()}")


def _password(url: sa.URL) -> Mapping[str, str]:
    return {} if url.password is None else {"PGPASSWORD": str(url.password)}


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True)


@contextmanager
def _sqlite_faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as fault:
        raise RegistryUnavailableError(f"the registry cannot be copied: {fault}") from fault


def _replace(place: Path, file: Path, apart: Path) -> Path | None:
    """The file durably in the place; what was there, with its log, under the other name."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.restoring")
    shutil.copyfile(file, draft)
    _sync(draft)
    there = place.exists()
    for end in reversed(_HELD_APART):  # the log first: it belongs to no other file
        if (old := place.with_name(place.name + end)).exists():
            old.rename(apart.with_name(apart.name + end))
    draft.rename(place)
    _sync(place.parent)
    return apart if there else None


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
