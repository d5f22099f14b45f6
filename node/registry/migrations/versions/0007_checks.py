"""Every check of quality of an analysis, with its numbers and its grade."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; of analyses before, the flags alone are known."""
    op.add_column("series", sa.Column("checks", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("series") as table:
        table.drop_column("checks")
