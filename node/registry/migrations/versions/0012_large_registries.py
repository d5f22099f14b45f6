"""What a registry of many series is looked up by when old ones expire and are forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_EXPIRING = "ix_series_expiring"
_TRANSACTION = "ix_commitments_transaction_id"


def upgrade() -> None:
    """The index of what is expiring holds nothing else; commitments have one of transactions."""
    op.drop_index(_EXPIRING, "series")
    op.create_index(
        _EXPIRING,
        "series",
        ["expiring"],
        unique=False,
        sqlite_where=sa.text("expiring = 1"),
        postgresql_where=sa.text("expiring"),
    )
    op.create_index(_TRANSACTION, "commitments", ["transaction_id"], unique=False)


def downgrade() -> None:
    """As it was."""
    op.drop_index(_TRANSACTION, "commitments")
    op.drop_index(_EXPIRING, "series")
    op.create_index(_EXPIRING, "series", ["expiring"], unique=False)
