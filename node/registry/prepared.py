"""Statements that every image needs, compiled once and given to the driver as they are.

To find a compiled statement, to bind its values and to wrap its answer takes SQLAlchemy longer
than SQLite takes to run it (docs/decisions/0007-receive-path.md).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import sqlalchemy as sa

Convert = Callable[[Any], Any]
Statement = sa.UpdateBase | sa.Select[Any]


class Prepared:
    """One statement in the words of a database's driver.

    Parameters
    ----------
    statement
        Built by SQLAlchemy; what changes from call to call are its bind parameters.
    dialect
        Of the database, once it was connected to.
    columns
        Of an INSERT: those that every call gives.

    Raises
    ------
    ValueError
        If the database was not connected to yet.
    """

    def __init__(
        self,
        statement: Statement,
        dialect: sa.Dialect,
        columns: Collection[str] = (),
    ) -> None:
        if dialect.dbapi is None:
            raise ValueError("the database was not connected to yet")
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        self._errors: type[Exception] = dialect.dbapi.Error
        self._dialect, self._sql = dialect, str(compiled)
        self._order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._given: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        self._converts: dict[str, Convert] = {
            name: convert
            for name, bind in compiled.binds.items()
            if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }

    def first(self, connection: sa.Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row that the statement answers within ``connection``'s transaction, if any.

        Columns come as the driver gives them.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            As from SQLAlchemy itself.
        """
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._sql, self._bound(values))
            return None if cursor.description is None else cursor.fetchone()
        except self._errors as fault:
            raise sa.exc.DBAPIError.instance(
                self._sql, None, fault, self._errors, hide_parameters=True, dialect=self._dialect
            ) from fault
        finally:
            cursor.close()

    def _bound(self, values: Mapping[str, Any]) -> Any:
        bound = {**self._given, **values}
        for name, convert in self._converts.items():
            bound[name] = convert(bound[name])
        return bound if self._order is None else tuple(bound[name] for name in self._order)
