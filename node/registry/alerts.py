"""Alerts: what is the matter, and what people were told of it."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from node.ports import Alert, AlertRecord
from node.registry import rows, schema
from node.registry.store import Store

_ONLY = 1


class AlertStore(Store):
    """:class:`node.ports.Alerts` over SQL."""

    def note_alerts(self, present: Sequence[Alert], *, now: datetime) -> None:
        """Remember what is the matter now: new alerts begin, absent ones are over.

        One that comes back before its end was told was never over.
        """
        table = schema.alerts
        with self._database.writing() as connection:
            for each in present:
                words = {"found": rows.storable(each.found), "remedy": rows.storable(each.remedy)}
                connection.execute(
                    self._database.insert(table)
                    .values(key=each.key, since=now, **words)
                    .on_conflict_do_update(index_elements=["key"], set_={**words, "over_at": None})
                )
            gone = (table.c.over_at.is_(None), table.c.key.not_in([a.key for a in present]))
            connection.execute(  # who was not told of it need not be told that it is over
                sa.delete(table).where(*gone, table.c.told_at.is_(None))
            )
            connection.execute(sa.update(table).where(*gone).values(over_at=now))

    def alerts(self) -> Sequence[AlertRecord]:
        """What is the matter, and what is over and was not told to be; the oldest first."""
        table = schema.alerts
        with self._database.reading() as connection:
            return [
                AlertRecord(
                    Alert(row.key, row.found, row.remedy), row.since, row.told_at, row.over_at
                )
                for row in connection.execute(sa.select(table).order_by(table.c.since, table.c.id))
            ]

    def claim_alerts(self, owner: str, *, now: datetime, until: datetime) -> bool:
        """Whether this process alone may tell, for so long; several workers look at once."""
        table = schema.alert_claims
        mine = {"owner": owner, "until": until}
        with self._database.writing() as connection:
            query = (
                self._database.insert(table)
                .values(id=_ONLY, **mine)
                .on_conflict_do_update(
                    index_elements=["id"],
                    set_=mine,
                    where=sa.or_(table.c.owner == owner, table.c.until <= now),
                )
                .returning(table.c.id)
            )
            return connection.execute(query).first() is not None

    def alerts_told(self, keys: Sequence[str], *, now: datetime) -> None:
        """These were told, also that they are over; what is over and told is forgotten."""
        table = schema.alerts
        with self._database.writing() as connection:
            told = table.c.key.in_(list(keys))
            connection.execute(sa.delete(table).where(told, table.c.over_at.is_not(None)))
            connection.execute(sa.update(table).where(told).values(told_at=now))
