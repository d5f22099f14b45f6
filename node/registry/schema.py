"""The registry's tables. No patient identity is kept here."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A time in UTC on every database: SQLite stores no zone, so it is given back here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """The time in UTC; a naive one is a bug and raises."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without zone was about to be stored: {value}")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """The time with its zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_UID = sa.Text  # unbounded: a sender's overlong UID must not become a fault of the database


def _of_series() -> sa.Column[int]:
    return sa.Column("series_id", sa.ForeignKey("series.id", ondelete="CASCADE"), nullable=False)


series = sa.Table(
    "series",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("series_instance_uid", _UID, nullable=False, unique=True),
    sa.Column("study_instance_uid", _UID, nullable=False, index=True),
    sa.Column("modality", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("calling_ae_title", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("instances", sa.Integer, nullable=False),
    sa.Column("ignored", sa.Integer, nullable=False),
    sa.Column("conflicts", sa.Integer, nullable=False),
    sa.Column("received_first_at", UtcDateTime, nullable=False),
    sa.Column("received_last_at", UtcDateTime, nullable=False),
    sa.Column("looked_instances", sa.Integer, nullable=False),
    sa.Column("content_complete", sa.Boolean, nullable=False),
    sa.Column("missing", sa.Text, nullable=False),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("analysing_at", UtcDateTime),
    sa.Column("ready_at", UtcDateTime),
    sa.Column("delivered_at", UtcDateTime),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", UtcDateTime),
    sa.Column("reason", sa.JSON(none_as_null=True)),
    sa.Column("waiting_for", sa.Text, nullable=False),
    sa.Column("summary", sa.JSON, nullable=False),
    sa.Column("flags", sa.JSON, nullable=False),
    sa.Column("checks", sa.JSON, nullable=False),
    sa.Column("stages_s", sa.JSON, nullable=False),
    sa.Column("lease_queue", sa.String(16)),
    sa.Column("lease_owner", sa.String(200)),
    sa.Column("lease_until", UtcDateTime, index=True),
    sa.Column("volume", sa.JSON(none_as_null=True)),
    sa.Column("joined_to", sa.ForeignKey("series.id"), index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("asked_images", sa.Integer, nullable=False),
    sa.Column("asked_bytes", sa.BigInteger, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("sources_expired_at", UtcDateTime),
    sa.Column("results_expired_at", UtcDateTime),
    sa.Column("expiring", sa.Boolean, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("shared_with", sa.JSON(none_as_null=True)),
    sa.Index(None, "received_last_at"),
    sa.Index(None, "state", "received_last_at"),
    sa.Index(None, "state", "delivered_at"),
    sa.Index(None, "calling_ae_title", "analysing_at"),
    sa.Index(None, "state", "completed_at"),
    sa.Index(None, "state", "ended_at"),
    # of the few that are expiring: for all that are not, SQLite would take it before any other
    sa.Index(
        None,
        "expiring",
        sqlite_where=sa.text("expiring = 1"),
        postgresql_where=sa.text("expiring"),
    ),
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column("study_instance_uid", _UID, nullable=False),
    sa.Column("sop_instance_uid", _UID, nullable=False, index=True),
    sa.Column("header", sa.JSON, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("ignored", sa.Boolean, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("series_id", "study_instance_uid", "sop_instance_uid"),
)

conflicts = sa.Table(
    "conflicts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column("sop_instance_uid", _UID, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("series_id", "sop_instance_uid", "sha256"),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("sop_instance_uid", _UID, nullable=False, unique=True),
    sa.Column("sop_class_uid", _UID, nullable=False),
    sa.Column("series_instance_uid", _UID, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Index(None, "series_id", "revision"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column("result_id", sa.ForeignKey("results.id", ondelete="CASCADE"), nullable=False),
    sa.Column("destination", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("result_id", "destination"),
    sa.Index(None, "state", "next_try_at"),
    sa.Index(None, "series_id"),
    sa.Index(None, "destination", "state", "updated_at"),
)

verifications = sa.Table(
    "verifications",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "delivery_id",
        sa.ForeignKey("deliveries.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    sa.Column("misses", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

transactions = sa.Table(
    "transactions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column("transaction_uid", _UID, nullable=False, unique=True),
    sa.Column("destination", sa.String(64), nullable=False),
    sa.Column("sop_instance_uids", sa.JSON, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("replied_at", UtcDateTime),
    sa.Index(None, "series_id"),
)

commitments = sa.Table(
    "commitments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column(
        "delivery_id",
        sa.ForeignKey("deliveries.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    sa.Column("transaction_id", sa.ForeignKey("transactions.id", ondelete="CASCADE")),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("failure", sa.Integer),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index(None, "state", "next_try_at"),
    sa.Index(None, "series_id"),
    sa.Index(None, "transaction_id"),
)

canaries = sa.Table(
    "canaries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("study_instance_uid", _UID, nullable=False),
    sa.Column("series_instance_uid", _UID, nullable=False, unique=True),
    sa.Column("begun_at", UtcDateTime, nullable=False, index=True),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("under_way", sa.Integer, unique=True),  # 1 or null: there is one at most
    sa.Column("good", sa.Boolean),
    sa.Column("found", sa.Text, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("found", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("told_at", UtcDateTime),
    sa.Column("over_at", UtcDateTime),
)

alert_claims = sa.Table(
    "alert_claims",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # 1: there is one row
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_series(),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index(None, "series_id"),
)

curves = sa.Table(
    "curves",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "series_id", sa.ForeignKey("series.id", ondelete="CASCADE"), nullable=False, unique=True
    ),
    sa.Column("curves", sa.JSON, nullable=False),
)

pauses = sa.Table(
    "pauses",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("activity", sa.String(16), nullable=False, unique=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    sa.Column("queues", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("gpus", sa.JSON(none_as_null=True)),
)
