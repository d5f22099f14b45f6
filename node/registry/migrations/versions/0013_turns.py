"""When a sender was last served, found at once: senders take turns."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index for a sender's series and for the last of them that was taken up."""
    columns = ["calling_ae_title", "analysing_at"]
    op.create_index("ix_series_calling_ae_title_analysing_at", "series", columns)
    op.drop_index("ix_series_calling_ae_title", "series")


def downgrade() -> None:
    """The index of senders alone."""
    op.create_index("ix_series_calling_ae_title", "series", ["calling_ae_title"])
    op.drop_index("ix_series_calling_ae_title_analysing_at", "series")
