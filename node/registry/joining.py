"""Which series are parts of one scan, and what joining them changes (decision 11)."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from node.ports import ScanPart, SeriesState
from node.registry import rows, schema
from node.registry.completeness import CompletenessStore
from node.registry.rows import Row
from node.registry.states import REOPENED_BY_A_LATE_IMAGE, TRANSITIONS
from node.registry.store import NO_LEASE
from node.series import Volume

_JOINABLE = frozenset(s for s in SeriesState if SeriesState.JOINED in TRANSITIONS[s])
# A slab that has its own maps already takes others up; nothing takes it up.
_LEADING = REOPENED_BY_A_LATE_IMAGE - _JOINABLE - {SeriesState.IGNORED, SeriesState.EXPIRED}
_WAITING = (SeriesState.RECEIVING, SeriesState.COMPLETE, SeriesState.ANALYSING)


class JoiningStore(CompletenessStore):
    """The joining of parts of :class:`node.ports.Ledger` over SQL."""

    def scan_parts(self) -> Sequence[ScanPart]:
        """The series that may be parts of a scan, of studies where one still waits.

        Those that a person cancelled are not among them, nor single time points in work.
        """
        table, leader = schema.series, schema.series.alias()
        waiting = sa.select(table.c.study_instance_uid).where(
            table.c.state.in_([str(s) for s in _WAITING]), table.c.volume.is_not(None)
        )
        leads = sa.exists().where(leader.c.joined_to == table.c.id)
        query = (
            sa.select(table, leads.label("leads"))
            .where(table.c.study_instance_uid.in_(waiting), table.c.volume.is_not(None))
            .order_by(table.c.id)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        uid_of = {row.id: row.series_instance_uid for row in found}
        parts = ((row, rows.volume(row.volume)) for row in found)
        leading = ((row, volume, row.leads or _leads(row, volume)) for row, volume in parts)
        return [
            ScanPart(volume, uid_of.get(row.joined_to, row.series_instance_uid if leads else ""))
            for row, volume, leads in leading
            if row.state in _JOINABLE or leads or row.joined_to is not None
        ]

    def join(self, leader: str, members: Sequence[str], *, now: datetime) -> int:
        """Make series parts of the scan that ``leader`` is; how many joined.

        The images of a member count as the leader's from then on, which is opened again if it
        was complete already. A member that is in work, or joined elsewhere, is left alone.
        """
        with self._database.writing() as connection:
            # members before the leader, as a late image locks them
            wanted = [self._find(connection, uid, lock=True) for uid in sorted(members)]
            row = self._find(connection, leader, lock=True)
            if row.joined_to is not None:
                return 0
            joined = [m for m in wanted if self._is_free(connection, m) and m.id != row.id]
            for member in joined:
                self._move(
                    connection,
                    member,
                    SeriesState.JOINED,
                    "joined",
                    f"part of the scan that series {leader} was taken for",
                    joined_to=row.id,
                    next_try_at=None,
                    reason=None,
                    waiting_for="",
                    **NO_LEASE,
                )
            if joined:
                self._enlarge(connection, row, joined, now)
        return len(joined)

    def _is_free(self, connection: sa.Connection, row: Row) -> bool:
        if row.state not in _JOINABLE or row.joined_to is not None:
            return False
        led = sa.exists().where(schema.series.c.joined_to == row.id)
        return not connection.execute(sa.select(led)).scalar_one()

    def _enlarge(
        self, connection: sa.Connection, row: Row, joined: Sequence[Row], now: datetime
    ) -> None:
        """The leader with the members' images, open to be judged again."""
        images = sum(member.instances for member in joined)
        counted = {"instances": schema.series.c.instances + images}
        self._tell(connection, row, "parts_joined", f"{len(joined)} series, {images} images")
        if row.state in REOPENED_BY_A_LATE_IMAGE:
            self._reopen(connection, row, counted)
        else:
            self._change(connection, row, **counted)


def _leads(row: Row, volume: Volume) -> bool:
    return volume.frames > 1 and row.state in _LEADING
