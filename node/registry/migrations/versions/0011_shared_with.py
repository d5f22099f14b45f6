"""Who is sent what of a series, where a rule says so."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; of what there is everybody is sent everything."""
    op.add_column("series", sa.Column("shared_with", sa.JSON(), nullable=True))
