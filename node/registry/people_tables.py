"""The registry's tables of people and of what they did. No secret is kept here, only digests."""

import sqlalchemy as sa

from node.registry.schema import UtcDateTime, metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("password_at", UtcDateTime),
    sa.Column("signed_in_at", UtcDateTime),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_by", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("used_at", UtcDateTime),
)

# A name here may be one that only an OpenID provider knows: it refers to no row of users.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False, index=True),
    sa.Column("means", sa.String(16), nullable=False),
    sa.Column("role", sa.String(16)),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
)

# Of the name only a digest: people type their password there by mistake.
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name_digest", sa.String(64), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
)

# Triggers of the database refuse to change or delete a row (migration 0010).
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False, index=True),
    sa.Column("means", sa.String(16), nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("result", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
