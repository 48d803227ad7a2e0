"""Alembic's entry: migrations run in the connection that `schema.upgrade` opened."""

from alembic import context

from ringfence.storage import searching
from ringfence.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    include_name=lambda name, kind, parents: not str(name).startswith(searching.OWN),
)
with context.begin_transaction():
    context.run_migrations()
