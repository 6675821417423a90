"""The rows of an import while they wait for approval: a table of their own, filled by COPY, dropped whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from psycopg import sql

from storage.database import Connection
from storage.hotlists.rows import NO_DESCRIPTION, EntryRow

_TABLE: Final = """
CREATE TABLE {} (
    entry_id text NOT NULL, plate text NOT NULL, category text NOT NULL, legal_basis text NOT NULL,
    authority text NOT NULL, owner text NOT NULL, valid_from timestamptz NOT NULL, valid_until timestamptz NOT NULL,
    regions text[] NOT NULL, vehicle jsonb NOT NULL, note text NOT NULL, instructions text NOT NULL,
    risk text NOT NULL, withdraw boolean NOT NULL
)
"""
ROW_COLUMNS: Final = (
    "entry_id, plate, category, legal_basis, authority, owner, valid_from, valid_until, regions, vehicle, note, "
    "instructions, risk"
)
_BLOCK_ROWS: Final = 2_000
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def staged_table(import_id: int) -> sql.Identifier:
    """The table that holds the rows of a pending import."""
    return sql.Identifier(f"staged_{import_id}")


def make_staged_table(connection: Connection, import_id: int) -> None:
    """Make it, empty, in the caller's transaction."""
    connection.execute(sql.SQL(_TABLE).format(staged_table(import_id)))


def copy_rows(connection: Connection, import_id: int, rows: Iterable[EntryRow]) -> int:
    """Fill it, row by row as they come; returns how many came. What ``rows`` raises breaks the COPY off."""
    count = 0
    statement = sql.SQL("COPY {} ({}, withdraw) FROM STDIN").format(staged_table(import_id), sql.SQL(ROW_COLUMNS))
    with connection.cursor().copy(statement) as copy:
        for block in _blocks(rows):
            count += len(block)
            copy.write("".join(block).encode())
    connection.execute(sql.SQL("ANALYZE {}").format(staged_table(import_id)))
    return count


def drop_staged_table(connection: Connection, import_id: int) -> None:
    """Forget the rows, in the caller's transaction."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(staged_table(import_id)))


def _blocks(rows: Iterable[EntryRow]) -> Iterator[list[str]]:
    block: list[str] = []
    times: dict[datetime, str] = {}
    for row in rows:
        block.append(_line(row, times))
        if len(block) == _BLOCK_ROWS:
            yield block
            block = []
            if len(times) > 100_000:
                times.clear()
    if block:
        yield block


def _line(row: EntryRow, times: dict[datetime, str]) -> str:
    """``row`` in the text format of COPY."""
    since = times.get(row.valid_from) or times.setdefault(row.valid_from, row.valid_from.isoformat())
    until = times.get(row.valid_until) or times.setdefault(row.valid_until, row.valid_until.isoformat())
    cells = (
        row.entry_id,
        row.plate,
        row.category,
        row.legal_basis,
        row.authority,
        row.owner,
        since,
        until,
        _array(row.regions) if row.regions else "{}",
        "{}" if row.vehicle is NO_DESCRIPTION else json.dumps(row.vehicle.as_json(), ensure_ascii=False),
        row.note,
        row.instructions,
        row.risk,
        "t" if row.withdraw else "f",
    )
    line = "\t".join(cells)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != len(cells) - 1:
        line = "\t".join(cell.translate(_ESCAPES) for cell in cells)
    return line + "\n"


def _array(items: Iterable[str]) -> str:
    quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return "{" + ",".join(quoted) + "}"
