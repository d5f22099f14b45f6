"""Paths are stored from data_dir on, so that the folder may be moved."""

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PATHS = {"instances": "path", "conflicts": "path", "results": "path", "events": "detail"}


def upgrade() -> None:
    """Leave data_dir out of every path below it; others stay as they are."""
    prefix = _prefix()
    for name, column in _PATHS.items():
        table = sa.table(name, sa.column(column, sa.Text))
        path = table.c[column]
        below = sa.func.substr(path, 1, len(prefix)) == prefix
        op.execute(
            sa.update(table).where(below).values({column: sa.func.substr(path, len(prefix) + 1)})
        )


def downgrade() -> None:
    """Put data_dir before every path of the spool again."""
    for name, column in _PATHS.items():
        table = sa.table(name, sa.column(column, sa.Text))
        path = table.c[column]
        below = sa.func.substr(path, 1, len("spool/")) == "spool/"
        op.execute(sa.update(table).where(below).values({column: sa.literal(_prefix()) + path}))


def _prefix() -> str:
    return f"{context.config.attributes['data_dir']}/"
