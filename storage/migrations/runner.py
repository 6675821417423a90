"""Runs the revisions under a lock that a second runner waits for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from storage.errors import DatabaseAway, DatabaseRefused

_LOCK = 0x6265_6B65_7400  # "beket"


def upgrade(connect: Callable[[], psycopg.Connection[Any]], shown: str) -> str:
    """Bring the database that ``connect`` opens to the newest revision; returns the revision's name.

    ``shown`` names the database in errors, without its password. See ``Database.migrate``.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    if head is None:
        raise DatabaseRefused("this copy of beket has no migrations: install it again")
    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version_num")).scalar_one()
            if int(version) < 150000:
                raise DatabaseRefused(f"Postgres ({shown}) is too old: beket needs 15 or newer")
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SET lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
            try:
                _refuse_newer(connection, script)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
                connection.commit()
    except DBAPIError as error:
        cause = error.orig
        if isinstance(cause, psycopg.OperationalError):
            raise DatabaseAway(f"Postgres ({shown}) broke off during the migration: {cause}") from error
        raise DatabaseRefused(f"the migration failed: {cause}") from error
    finally:
        engine.dispose()
    return head


def _refuse_newer(connection: SqlConnection, script: ScriptDirectory) -> None:
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return
    known = {revision.revision for revision in script.walk_revisions()}
    for found in connection.execute(text("SELECT version_num FROM alembic_version")).scalars():
        if found not in known:
            raise DatabaseRefused(
                f"the database is at revision {found}, which this beket does not know: a newer one made it; update"
            )
