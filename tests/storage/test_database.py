from __future__ import annotations

import threading

import psycopg
import pytest

from storage.database import Database, redact_dsn
from storage.embedded import EmbeddedPostgres
from storage.errors import DatabaseAway, DatabaseRefused
from tests.fixtures.stores import crash


def test_two_runners_migrate_at_once(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE raced")
    revisions: list[str] = []

    def run() -> None:
        with Database(postgres.dsn.rsplit("/", 1)[0] + "/raced") as database:
            revisions.append(database.migrate())

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(revisions) == 3
    assert len(set(revisions)) == 1


def test_a_database_of_a_newer_beket_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseRefused, match="newer"):
        database.migrate()


def test_it_reconnects_by_itself(own_postgres: EmbeddedPostgres) -> None:
    with Database(own_postgres.dsn) as database:
        database.ping()
        crash(own_postgres)
        with pytest.raises(DatabaseAway):
            database.ping()
        own_postgres.start()
        database.wait_until_there(10)
        with database.transaction() as connection:
            connection.execute("CREATE TABLE t (n int)")


def test_a_wrong_statement_is_refused_and_the_connection_goes_on(database: Database) -> None:
    with pytest.raises(DatabaseRefused), database.transaction() as connection:
        connection.execute("SELECT 1/0")
    database.ping()


def test_passwords_stay_out_of_errors() -> None:
    database = Database("postgresql://beket:hunter2@127.0.0.1:1/beket")
    with pytest.raises(DatabaseAway) as raised:
        database.ping()
    assert "hunter2" not in str(raised.value)
    assert "127.0.0.1:1" in str(raised.value)
    assert redact_dsn("host=db password='a b' user=x") == "host=db password=*** user=x"
