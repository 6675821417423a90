"""An import met with its list, set-wise: what it would do, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from storage.database import Connection
from storage.hotlists.errors import IllegalMove
from storage.hotlists.import_records import ImportKind, StoredImport
from storage.hotlists.staging import ROW_COLUMNS, staged_table

_CONTENT: Final = (
    "plate, category, legal_basis, authority, owner, valid_until, regions, vehicle, note, instructions, risk"
)
_OF_ENTRY: Final = ", ".join(f"entries.{name.strip()}" for name in _CONTENT.split(","))
_OF_STAGED: Final = ", ".join(f"s.{name.strip()}" for name in _CONTENT.split(","))
_PREVIEW: Final = f"""
SELECT count(*) FILTER (WHERE NOT s.withdraw AND entries.entry_id IS NULL),
       count(*) FILTER (WHERE NOT s.withdraw AND entries.entry_id IS NOT NULL
                          AND (entries.state NOT IN ('approved', 'live') OR ({_OF_ENTRY}) IS DISTINCT FROM ({_OF_STAGED}))),
       count(*) FILTER (WHERE NOT s.withdraw AND entries.state IN ('approved', 'live')
                          AND ({_OF_ENTRY}) IS NOT DISTINCT FROM ({_OF_STAGED})),
       count(*) FILTER (WHERE s.withdraw AND entries.state IN ('approved', 'live')),
       count(*) FILTER (WHERE entries.hotlist_id <> %(hotlist)s)
FROM {{staged}} s LEFT JOIN entries USING (entry_id)
"""  # noqa: S608, E501 - constants
_MISSING: Final = """
FROM entries e WHERE e.hotlist_id = %(hotlist)s AND e.import_id IS NOT NULL AND e.state IN ('approved', 'live')
  AND NOT EXISTS (SELECT 1 FROM {staged} s WHERE s.entry_id = e.entry_id)
"""
_UPSERT: Final = f"""
WITH written AS (
    INSERT INTO entries ({ROW_COLUMNS}, hotlist_id, state, entered_by, approved_by, approved_at, changed_by, import_id,
                         live_since, live_version, version)
    SELECT {ROW_COLUMNS}, %(hotlist)s, CASE WHEN valid_from <= now() THEN 'live' ELSE 'approved' END, %(entered)s, %(by)s,
           now(), %(by)s, %(import)s, CASE WHEN valid_from <= now() THEN now() END,
           CASE WHEN valid_from <= now() THEN %(version)s::bigint END, %(version)s
    FROM {{staged}} WHERE NOT withdraw
    ON CONFLICT (entry_id) DO UPDATE SET
        ({_CONTENT}, valid_from, state, entered_by, entered_at, approved_by, approved_at, withdrawn_by, withdrawn_at,
         withdrawn_because, changed_by, import_id, live_since, live_version, version, updated_at) =
        ({_CONTENT.replace("plate", "excluded.plate", 1).replace(", ", ", excluded.")},
         CASE WHEN entries.state IN ('approved', 'live') THEN entries.valid_from ELSE excluded.valid_from END,
         CASE WHEN entries.state = 'live' THEN 'live' ELSE excluded.state END,
         excluded.entered_by, now(), excluded.approved_by, now(), NULL, NULL, '', excluded.changed_by,
         excluded.import_id,
         CASE WHEN entries.state = 'live' THEN entries.live_since ELSE excluded.live_since END,
         CASE WHEN entries.state = 'live' AND entries.plate = excluded.plate THEN entries.live_version
              ELSE excluded.live_version END,
         excluded.version, now())
    WHERE entries.hotlist_id = excluded.hotlist_id
      AND (entries.state NOT IN ('approved', 'live') OR ({_OF_ENTRY}) IS DISTINCT FROM
           ({_CONTENT.replace("plate", "excluded.plate", 1).replace(", ", ", excluded.")}))
    RETURNING (xmax = 0) AS added, live_version = version AS begun
)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added), count(*) FILTER (WHERE begun) FROM written
"""  # noqa: S608, E501 - constants
_WITHDRAW: Final = """
UPDATE entries e SET (state, withdrawn_by, withdrawn_at, withdrawn_because, changed_by, version, updated_at) =
    ('withdrawn', %(by)s, now(), 'not in import ' || %(import)s, %(by)s, %(version)s, now())
"""
_AT_VERSION: Final = """
INSERT INTO {staged} ({columns}, withdraw)
SELECT {columns}, false FROM (
    SELECT * FROM entries WHERE hotlist_id = %(hotlist)s AND import_id IS NOT NULL AND version <= %(version)s
    UNION ALL
    SELECT was.* FROM (
        SELECT DISTINCT ON (h.entry_id) h.entry
        FROM entry_history h JOIN entries e USING (entry_id)
        WHERE e.hotlist_id = %(hotlist)s AND e.import_id IS NOT NULL AND e.version > %(version)s
          AND h.version <= %(version)s
        ORDER BY h.entry_id, h.version DESC, h.history_id DESC
    ) AS earlier, LATERAL jsonb_populate_record(NULL::entries, earlier.entry) AS was
) AS stood
WHERE state IN ('approved', 'live') AND valid_until > now()
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """What taking an import in did; ``begun``: entries whose time began with it."""

    added: int
    changed: int
    begun: int
    withdrawn: int


def prepare(connection: Connection) -> None:
    """Set-wise work of any size: as long as it takes, and never row by row for want of statistics."""
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL enable_nestloop = off")
    connection.execute("SET LOCAL work_mem = '64MB'")


def preview(connection: Connection, staged: StoredImport) -> None:
    """Write down what approval would do. Raises ``IllegalMove`` where an identifier is another list's."""
    table = staged_table(staged.import_id)
    values = {"hotlist": staged.hotlist_id}
    counted = connection.execute(sql.SQL(_PREVIEW).format(staged=table), values).fetchone()
    added, changed, unchanged, withdrawn, foreign = counted or (0, 0, 0, 0, 0)
    if foreign:
        raise IllegalMove(
            f"{foreign} identifiers belong to another hotlist: an entry never moves between lists; give new ones"
        )
    if staged.kind != ImportKind.DELTA:
        missing = connection.execute(sql.SQL("SELECT count(*) " + _MISSING).format(staged=table), values).fetchone()
        withdrawn += missing[0] if missing else 0
    connection.execute(
        "UPDATE imports SET (added, changed, unchanged, withdrawn) = (%s, %s, %s, %s) WHERE import_id = %s",
        [added, changed, unchanged, withdrawn, staged.import_id],
    )


def merge(connection: Connection, pending: StoredImport, *, by: str, version: int) -> Merged:
    """Let the staged rows go live as ``version``, and withdraw what the import takes off."""
    staged = staged_table(pending.import_id)
    values = {
        "hotlist": pending.hotlist_id,
        "entered": pending.entered_by,
        "by": by,
        "import": pending.import_id,
        "version": version,
    }
    withdrawn = connection.execute(
        sql.SQL(_WITHDRAW + "FROM {staged} s WHERE s.withdraw AND s.entry_id = e.entry_id ").format(staged=staged)
        + sql.SQL("AND e.hotlist_id = %(hotlist)s AND e.state IN ('approved', 'live')"),
        values,
    ).rowcount
    if pending.kind != ImportKind.DELTA:
        withdrawn += connection.execute(
            sql.SQL(_WITHDRAW + _MISSING.replace("FROM entries e ", "")).format(staged=staged), values
        ).rowcount
    counted = connection.execute(sql.SQL(_UPSERT).format(staged=staged), values).fetchone()
    added, changed, begun = counted or (0, 0, 0)
    return Merged(added, changed, begun, withdrawn)


def stage_version(connection: Connection, import_id: int, hotlist_id: str, version: int) -> int:
    """Stage the imported entries of a list as they stood at ``version``; returns how many still have time."""
    return connection.execute(
        sql.SQL(_AT_VERSION).format(staged=staged_table(import_id), columns=sql.SQL(ROW_COLUMNS)),
        {"hotlist": hotlist_id, "version": version},
    ).rowcount
