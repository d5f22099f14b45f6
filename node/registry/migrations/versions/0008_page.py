"""What is paused, which workers there are, priorities, curves; and what the page looks up by."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_INDEXES = (
    ("series", ("received_last_at",)),
    ("series", ("state", "received_last_at")),
    ("series", ("state", "delivered_at")),
    ("series", ("calling_ae_title",)),
    ("deliveries", ("destination", "state", "updated_at")),
)


def upgrade() -> None:
    """Add them; every series there is has the usual priority."""
    priority = sa.Column("priority", sa.Integer(), nullable=False, server_default="0")
    op.add_column("series", priority)
    for table, columns in _INDEXES:
        op.create_index(_name(table, columns), table, list(columns), unique=False)
    op.create_table(
        "curves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("curves", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["series.id"], name="fk_curves_series_id_series", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_curves"),
        sa.UniqueConstraint("series_id", name="uq_curves_series_id"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("activity", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
        sa.UniqueConstraint("activity", name="uq_pauses_activity"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
        sa.UniqueConstraint("name", name="uq_workers_name"),
    )


def downgrade() -> None:
    """Forget them."""
    for table in ("workers", "pauses", "curves"):
        op.drop_table(table)
    for table, columns in _INDEXES:
        op.drop_index(_name(table, columns), table)
    op.drop_column("series", "priority")


def _name(table: str, columns: tuple[str, ...]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"
