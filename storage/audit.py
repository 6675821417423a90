"""Every look leaves a trace: an append-only log, each row chained to the one before by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from storage.database import Database
from storage.errors import AuditUnwritten, DatabaseAway, DatabaseRefused

GENESIS: Final = bytes(32)
"""What stands for the hash before the first row."""

_LOCK: Final = 0x6265_6B65_7402
_LONGEST: Final = {"actor": 200, "case": 100, "reason": 1000}
_AT_ONCE: Final = 2_000
_LAST: Final = "SELECT number, hash, clock_timestamp() FROM audit ORDER BY number DESC LIMIT 1"
_PAGE: Final = "SELECT number, previous, record, hash FROM audit WHERE number > %s ORDER BY number LIMIT %s"


class PurposeLacking(ValueError):
    """A look that can't be accounted for; ``lacks`` names what is missing of actor, reason and case."""

    def __init__(self, lacks: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.lacks = lacks


@dataclass(frozen=True, slots=True)
class Purpose:
    """Who looks, why, and under which case number. Raises ``PurposeLacking`` unless all three say something."""

    actor: str
    reason: str
    case: str

    def __post_init__(self) -> None:
        lacks = tuple(name for name in ("actor", "reason", "case") if not getattr(self, name).strip())
        if lacks:
            raise PurposeLacking(lacks, f"a look at plates must be accounted for: give {', '.join(lacks)}")
        for name, longest in _LONGEST.items():
            value: str = getattr(self, name)
            if len(value) > longest or not value.isprintable():
                raise PurposeLacking((name,), f"{name} is one line of at most {longest} characters")


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One look as it was logged. ``record`` holds what was hashed, parsed."""

    number: int
    record: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk over the chain found: ``rows`` that hold, the ``head`` they end in, and the first broken link."""

    rows: int
    head: str
    broken_at: int | None = None
    why: str | None = None


class AuditLog:
    """The chain. Thread-safe, safe between processes: rows are written one after another under a lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, purpose: Purpose, action: str, details: Mapping[str, Any], *, results: int | None = None
    ) -> AuditRecord:
        """Log that ``purpose.actor`` did ``action``; it is committed when this returns.

        Call it before the answer goes out. ``details`` are plain JSON values: the query. Raises ``AuditUnwritten``:
        then there must be no answer.
        """
        try:
            with self._database.transaction() as connection:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                last = connection.execute(_LAST).fetchone()
                number, previous = (1, GENESIS) if last is None else (int(last[0]) + 1, bytes(last[1]))
                record = {
                    "number": number,
                    "at": (datetime.now(UTC) if last is None else last[2].astimezone(UTC)).isoformat(),
                    "actor": purpose.actor,
                    "action": action,
                    "reason": purpose.reason,
                    "case": purpose.case,
                    "details": dict(details),
                    "results": results,
                }
                text = _canonical(record)
                digest = _link(previous, text)
                connection.execute(
                    "INSERT INTO audit (number, previous, record, hash) VALUES (%s, %s, %s, %s)",
                    [number, previous, text, digest],
                )
        except (DatabaseAway, DatabaseRefused) as error:
            raise AuditUnwritten(f"the audit log can't be written, so there is no answer: {error}") from error
        return AuditRecord(number, record, digest.hex())

    def records(self, *, case: str | None = None, after: int = 0) -> Iterator[AuditRecord]:
        """What was logged, in order; of one case alone if it is given. Raises ``DatabaseAway``."""
        for number, _, text, digest in self._walk(after):
            record = json.loads(text)
            if case is None or record.get("case") == case:
                yield AuditRecord(number, record, digest.hex())

    def verify(self) -> Verdict:
        """Walk the chain from its beginning to the first link that does not hold.

        A row changed, left out or put in between is found. Rows cut off at the end are not, unless the head was noted
        elsewhere: see docs/search.md.
        """
        head, rows = GENESIS, 0
        for number, previous, text, digest in self._walk(0):
            why = _fault(rows + 1, head, number, previous, text, digest)
            if why is not None:
                return Verdict(rows, head.hex(), broken_at=rows + 1, why=why)
            head, rows = digest, rows + 1
        return Verdict(rows, head.hex())

    def _walk(self, after: int) -> Iterator[tuple[int, bytes, str, bytes]]:
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(_PAGE, [after, _AT_ONCE]).fetchall()
            for number, previous, text, digest in rows:
                yield int(number), bytes(previous), text, bytes(digest)
            if len(rows) < _AT_ONCE:
                return
            after = int(rows[-1][0])


def _fault(wanted: int, head: bytes, number: int, previous: bytes, text: str, digest: bytes) -> str | None:
    if number != wanted:
        return f"row {wanted} is missing"
    if previous != head:
        return "it does not follow from the row before"
    if _link(previous, text) != digest:
        return "its record was changed after it was written"
    try:
        told = json.loads(text)["number"]
    except (ValueError, KeyError, TypeError):
        return "its record is none"
    return None if told == number else f"its record says that it is row {told}"


def _link(previous: bytes, text: str) -> bytes:
    return hashlib.sha256(previous + text.encode()).digest()


def _canonical(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
