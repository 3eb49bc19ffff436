"""Brings the database to the tables this version of the hub works with."""

from __future__ import annotations

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from hub.errors import Unreachable

MIGRATION_LOCK = 0x4855_4221
"""Advisory lock held while revisions run, so that roles starting together do not run them twice."""
LOCK_WAIT_S = 60


def upgrade(dsn: str) -> str:
    """Bring the database to the newest revision and return it; safe to call from several processes."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(dsn), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT_S}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        try:
            return _run(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()


def _connect(dsn: str) -> psycopg.Connection:
    try:
        return psycopg.connect(dsn, connect_timeout=LOCK_WAIT_S)
    except psycopg.OperationalError as error:
        message = "the database does not answer"
        raise Unreachable(
            message, fix="check HUB_DATABASE, or leave it unset to use the hub's own"
        ) from error


def _run(connection: Connection) -> str:
    config = Config()
    config.set_main_option("script_location", "hub.adapters.database:migrations")
    config.attributes["connection"] = connection
    newest = ScriptDirectory.from_config(config).get_current_head()
    with connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
    if current != newest:
        command.upgrade(config, "head")
        connection.commit()
    return newest or ""
