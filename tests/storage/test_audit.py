"""The audit log: nothing changes in it unseen, and it never forks."""

from __future__ import annotations

import threading

import pytest

from storage.audit import AuditLog, Purpose, PurposeLacking
from storage.database import Database
from storage.errors import AuditUnwritten, DatabaseRefused

WHY = Purpose("a.serik", "hit and run on Abai avenue", "KZ-2026-117")


def test_what_was_looked_at_is_told_in_order(database: Database) -> None:
    log = AuditLog(database)
    assert log.verify().rows == 0
    written = [log.write(WHY, "search", {"plate": f"{n}23ABC02"}, results=n) for n in range(3)]
    other = log.write(Purpose("b", "why", "other"), "export", {"as": "csv"})
    assert list(log.records(case=WHY.case)) == written
    assert [record.number for record in log.records()] == [1, 2, 3, 4]
    assert written[1].record["details"] == {"plate": "123ABC02"}
    assert {name: written[2].record[name] for name in ("actor", "action", "reason", "case", "results")} == {
        "actor": "a.serik",
        "action": "search",
        "reason": "hit and run on Abai avenue",
        "case": "KZ-2026-117",
        "results": 2,
    }
    verdict = log.verify()
    assert (verdict.rows, verdict.head, verdict.broken_at) == (4, other.hash, None)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET record = '{}'", "DELETE FROM audit", "TRUNCATE audit", "DELETE FROM audit WHERE false"],
)
def test_the_database_refuses_changes(database: Database, statement: str) -> None:
    AuditLog(database).write(WHY, "search", {})
    with pytest.raises(DatabaseRefused, match="append-only"), database.transaction() as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("tampering", "row", "why"),
    [
        ("UPDATE audit SET record = replace(record, 'search', 'nothing') WHERE number = 3", 3, "was changed"),
        ("DELETE FROM audit WHERE number = 2", 2, "row 2 is missing"),
        ("DELETE FROM audit WHERE number = 1", 1, "row 1 is missing"),
        ("UPDATE audit SET hash = sha256(previous || convert_to('{\"number\":3}', 'utf8')), record = '{\"number\":3}' "
         "WHERE number = 3", 4, "does not follow"),
    ],
)  # fmt: skip
def test_whoever_gets_past_the_triggers_is_found_out(database: Database, tampering: str, row: int, why: str) -> None:
    log = AuditLog(database)
    for n in range(5):
        log.write(WHY, "search", {"n": n})
    with database.transaction() as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_kept")
        connection.execute(tampering.encode())
    verdict = log.verify()
    assert verdict.broken_at == row
    assert why in str(verdict.why)


def test_writers_at_once_make_one_chain(database: Database) -> None:
    logs = [AuditLog(database) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda log=log: [log.write(WHY, "search", {"n": n}) for n in range(15)]) for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = logs[0].verify()
    assert (verdict.rows, verdict.broken_at) == (60, None)


@pytest.mark.parametrize(
    ("purpose", "lacks"),
    [
        (("", "why", "1"), ("actor",)),
        (("me", " ", ""), ("reason", "case")),
        (("me", "why\nthen", "1"), ("reason",)),
        (("me", "why", "1" * 101), ("case",)),
    ],
)
def test_a_look_without_a_purpose_is_none(purpose: tuple[str, str, str], lacks: tuple[str, ...]) -> None:
    with pytest.raises(PurposeLacking) as error:
        Purpose(*purpose)
    assert error.value.lacks == lacks


def test_a_log_that_cannot_be_written_says_so(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("ALTER TABLE audit ADD CHECK (number > 1)")
    with pytest.raises(AuditUnwritten):
        AuditLog(database).write(WHY, "search", {})
