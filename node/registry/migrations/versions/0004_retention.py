"""How large a series is, when it ended, and which of its files are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ENDED = ("DELIVERED", "CONFIRMED", "REFUSED", "FAILED", "CANCELLED", "IGNORED")


def upgrade() -> None:
    """Add the columns; what ended before is taken to have ended at its last known moment."""
    time = sa.DateTime(timezone=True)
    with op.batch_alter_table("series") as table:
        table.add_column(_number("size_bytes", sa.BigInteger()))
        table.add_column(_number("asked_images", sa.Integer()))
        table.add_column(_number("asked_bytes", sa.BigInteger()))
        table.add_column(sa.Column("ended_at", time, nullable=True))
        table.add_column(sa.Column("sources_expired_at", time, nullable=True))
        table.add_column(sa.Column("results_expired_at", time, nullable=True))
        table.add_column(sa.Column("expiring", sa.Boolean(), nullable=False, server_default="0"))
        table.create_index("ix_series_expiring", ["expiring"], unique=False)
        table.create_index("ix_series_state_ended_at", ["state", "ended_at"], unique=False)
    _fill()


def downgrade() -> None:
    """Forget all of it."""
    with op.batch_alter_table("series") as table:
        table.drop_index("ix_series_state_ended_at")
        table.drop_index("ix_series_expiring")
        for name in ("expiring", "results_expired_at", "sources_expired_at", "ended_at"):
            table.drop_column(name)
        for name in ("asked_bytes", "asked_images", "size_bytes"):
            table.drop_column(name)


def _number(name: str, kind: sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, server_default="0")


def _fill() -> None:
    times = [
        sa.column(name, sa.DateTime(timezone=True))
        for name in ("ended_at", "delivered_at", "ready_at", "received_last_at")
    ]
    columns = [sa.column("id"), sa.column("state"), sa.column("size_bytes"), *times]
    series = sa.table("series", *columns)
    instances = sa.table("instances", sa.column("series_id"), sa.column("size"))
    sizes = sa.select(sa.func.coalesce(sa.func.sum(instances.c.size), 0)).where(
        instances.c.series_id == series.c.id
    )
    op.execute(sa.update(series).values(size_bytes=sizes.scalar_subquery()))
    last = sa.func.coalesce(series.c.delivered_at, series.c.ready_at, series.c.received_last_at)
    op.execute(sa.update(series).where(series.c.state.in_(_ENDED)).values(ended_at=last))
