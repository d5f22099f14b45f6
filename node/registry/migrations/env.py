"""Alembic's entry: migrations run in the transaction that the registry hands over."""

from alembic import context

from node.registry.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
