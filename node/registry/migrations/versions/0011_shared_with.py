"""Who is sent what of a series, where a rule says so; the GPUs of each worker's machine."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; of what there is everybody is sent everything."""
    op.add_column("series", sa.Column("shared_with", sa.JSON(), nullable=True))
    op.add_column("workers", sa.Column("gpus", sa.JSON(), nullable=True))
