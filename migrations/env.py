"""Alembic's environment: the tables of ``app.db``, the database of the settings."""

from alembic import context
from sqlalchemy import Connection

from app.config import get_settings
from app.db.session import Database
from app.db.tables import Base


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        user_module_prefix="app.db.types.",
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(get_settings()).engine.connect() as own:
        run(own)
        own.commit()
