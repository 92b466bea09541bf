"""What Alembic runs; ``storage.schema`` hands it the connection and its transaction."""

from alembic import context

from roadwarden.storage.metadata import metadata
from roadwarden.storage.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
context.run_migrations()
