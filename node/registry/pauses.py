"""What a person has paused."""

from collections.abc import Sequence

import sqlalchemy as sa

from node.ports import Activity, Pause
from node.registry import schema
from node.registry.rows import Row, storable
from node.registry.store import Store, utc_now

_ORDER = tuple(Activity)
_OF_QUEUE = {
    "analyse": Activity.ANALYSING,
    "deliver": Activity.DELIVERING,
    "commit": Activity.DELIVERING,
}


class PauseStore(Store):
    """:class:`node.ports.Pauses` over SQL."""

    def pauses(self) -> Sequence[Pause]:
        """What is paused now, in the order of the route."""
        with self._database.reading() as connection:
            found = [_pause(row) for row in connection.execute(sa.select(schema.pauses))]
        return sorted(found, key=lambda pause: _ORDER.index(pause.activity))

    def pause(self, activity: Activity, by: str) -> Pause:
        """Pause an activity; one that is paused already stays as it is."""
        table = schema.pauses
        values = {"activity": str(activity), "by": storable(by), "since": utc_now()}
        with self._database.writing() as connection:
            connection.execute(
                self._database.insert(table)
                .values(**values)
                .on_conflict_do_nothing(index_elements=["activity"])
            )
            query = sa.select(table).where(table.c.activity == str(activity))
            return _pause(connection.execute(query).one())

    def resume(self, activity: Activity) -> bool:
        """Let an activity go on; whether it was paused."""
        table = schema.pauses
        query = sa.delete(table).where(table.c.activity == str(activity))
        with self._database.writing() as connection:
            return connection.execute(query).rowcount > 0

    def _paused_queues(self, connection: sa.Connection) -> frozenset[str]:
        """The queues from which nothing is taken now."""
        paused = set(connection.scalars(sa.select(schema.pauses.c.activity)))
        return frozenset(queue for queue, activity in _OF_QUEUE.items() if activity in paused)


def _pause(row: Row) -> Pause:
    return Pause(Activity(row.activity), row.by, row.since)
