"""Series that are time points of one scan are joined to one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a series of one time point is, and which series it was joined to."""
    with op.batch_alter_table("series") as table:
        table.add_column(sa.Column("volume", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(sa.Column("joined_to", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_series_joined_to_series", "series", ["joined_to"], ["id"])
        table.create_index("ix_series_joined_to", ["joined_to"], unique=False)


def downgrade() -> None:
    """Forget both."""
    with op.batch_alter_table("series") as table:
        table.drop_index("ix_series_joined_to")
        table.drop_constraint("fk_series_joined_to_series", type_="foreignkey")
        table.drop_column("joined_to")
        table.drop_column("volume")
