"""What Postgres still knows of rows whose tables were dropped, and how it is made to forget that too."""

from __future__ import annotations

import logging

import psycopg

from storage.database import Database
from storage.errors import DatabaseAway

_log = logging.getLogger(__name__)


def wipe_traces(database: Database) -> bool:
    """Rewrite the planner's statistics, whose freed space holds samples of dropped tables, and begin a new WAL file, so
    that the next checkpoint is done with those before; False when it has to be tried again.

    A role that may not do one or the other leaves it to the database's owner (docs/storage.md).
    """
    try:
        with database.connect(autocommit=True) as connection:
            connection.execute("SET lock_timeout = '1s'")  # who plans a statement waits behind us
            connection.execute("VACUUM (FULL) pg_statistic")
            connection.execute("SELECT pg_switch_wal() WHERE has_function_privilege('pg_switch_wal()', 'EXECUTE')")
    except (DatabaseAway, psycopg.Error) as error:
        _log.warning("traces of dropped partitions are wiped later: %s", type(error).__name__)
        return False
    return True
