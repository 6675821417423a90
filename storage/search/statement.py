"""The statements of a search: one window of time, newest first, from the reads' partitions and the hits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from storage.search.cursor import Position
from storage.search.query import Query

_COLUMNS: Final = "seen_at, camera_id, pass_id, text, {score}, country, format, lines, vehicle_type, vehicle_colour"
_ORDER: Final = "ORDER BY seen_at DESC, camera_id DESC, pass_id DESC"
_PICKED: Final = (
    "SELECT DISTINCT text FROM {table} WHERE seen_at >= %(since)s AND seen_at < %(until)s AND text LIKE %(pattern)s"
)
_FEW_CAMERAS: Final = 200
"""Up to so many cameras are asked one by one, each by its own end of the index; more are filtered by."""
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """A question as conditions: what every window's statement shares.

    ``known`` is the length of the run of characters that an index finds the plate by.
    """

    query: Query
    cameras: list[str] | None
    texts: list[str] | None = None
    """Readings to look for in place of ``query.plate``."""

    @property
    def known(self) -> int:
        if self.texts is not None:
            return 10
        return max(map(len, _anchors(self.query.plate)))

    @property
    def asks_each_camera(self) -> bool:
        return self.cameras is not None and len(self.cameras) <= _FEW_CAMERAS and self.known < 3

    @property
    def is_picked(self) -> bool:
        """Whether few of the texts that the plate's beginning leads to are meant: the index alone picks them out."""
        head, literals = _anchors(self.query.plate)[0], self.query.plate.replace("?", "").replace("*", "")
        return self.texts is None and len(head) >= 3 and self.known < 5 and len(literals) >= 5

    def first_width(self, whole: timedelta) -> timedelta:
        """How long the first window should be: what is rare is sought in all of the time at once."""
        if self.texts is None and (self.known >= 5 or (self.is_picked and self.known >= 4)):
            return whole
        if self.cameras is not None and self.asks_each_camera:
            return timedelta(hours=1) / max(len(self.cameras) / 3, 1)
        if self.is_picked:
            return timedelta(hours=6)
        return timedelta(hours=1) if self.known >= 4 else timedelta(minutes=10 if self.known == 3 else 1)

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """Conditions on columns that reads and hits share, and their parameters; ``{table}`` stands for either."""
        query, conditions, values = self.query, list[str](), dict[str, Any]()
        if self.texts is not None:
            conditions.append("text = ANY(%(texts)s)")
            values["texts"] = self.texts
        elif query.plate and not _is_partial(query.plate):
            conditions.append("text = %(plate)s")
            values["plate"] = query.plate
        elif query.plate:
            head, tail = _anchors(query.plate)
            conditions.append("text LIKE %(pattern)s")
            values["pattern"] = _like(query.plate)
            if self.is_picked:
                conditions.append(f"text = ANY(ARRAY({_PICKED}))")
            elif len(tail) > max(len(head), 1):
                conditions.append("reverse(text) LIKE %(reversed)s")
                values["reversed"] = tail[::-1] + "%"
        if self.cameras is not None and not self.asks_each_camera:
            # where the plate is rare, the planner is kept from weighing an index over thousands of cameras
            column = "camera_id" if self.known < 5 else "(camera_id || '')"
            conditions.append(f"{column} = ANY(%(cameras)s)")
        if self.cameras is not None:
            values["cameras"] = self.cameras
        if query.entry_id:
            conditions.append("entry_id = %(entry)s")
            values["entry"] = query.entry_id
        if query.alert_id is not None:
            conditions.append("alert_id = %(alert)s")
            values["alert"] = query.alert_id
        if query.vehicle_types:
            conditions.append("vehicle_type = ANY(%(types)s)")
            values["types"] = list(query.vehicle_types)
        if query.colours:
            conditions.append("vehicle_colour = ANY(%(colours)s)")
            values["colours"] = list(query.colours)
        return conditions, values


def window(
    filter: Filter, since: datetime, until: datetime, after: Position | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """The newest ``limit`` passes of ``[since, until)`` that come after the position: statement and parameters.

    The bounds stand in the statement's own conditions, so that partitions outside them are not even opened.
    """
    conditions, values = filter.conditions()
    conditions = ["seen_at >= %(since)s", "seen_at < %(until)s", *conditions]
    values |= {"since": since, "until": until, "limit": limit}
    if after is not None:
        values |= {"until": min(until, after.seen_at + _TICK), "at": after.seen_at}
        values |= {"camera": after.camera_id, "pass": after.pass_id}
        conditions.append("(seen_at, camera_id, pass_id) < (%(at)s, %(camera)s, %(pass)s)")
    posterior = ", posterior" if filter.query.is_scored else ""
    parts = [_part("hits", _COLUMNS.format(score="read_score") + posterior, conditions, filter)]
    if not filter.query.is_of_hits:
        parts.append(_part("reads", _COLUMNS.format(score="score") + posterior, conditions, filter))
    both = " UNION ALL ".join(f"({part})" for part in parts)
    statement = f"SELECT DISTINCT ON (seen_at, camera_id, pass_id) * FROM ({both}) both_ {_ORDER} LIMIT %(limit)s"  # noqa: S608 - constants
    return statement, values


def described(query: Query, wanted: Collection[tuple[datetime, str]]) -> tuple[bytes, dict[str, Any]]:
    """Passes that have an appearance, by instant and camera, as far as they answer: rows of a scored ``window``, and
    the appearance."""
    conditions, values = Filter(replace(query, photo=None, similar=False, plate=""), None).conditions()
    times, cameras = [at for at, _ in wanted], [camera for _, camera in wanted]
    values |= {"times": times, "asked": cameras, "since": min(times), "until": max(times)}
    names = "JOIN unnest(%(times)s::timestamptz[], %(asked)s::text[]) AS asked (seen_at, camera_id)"
    conditions = ["t.seen_at >= %(since)s", "t.seen_at <= %(until)s", *conditions]
    hits = (
        f"SELECT {_COLUMNS.format(score='read_score')}, posterior, appearance FROM hits t {names} "  # noqa: S608 - constants
        f"USING (seen_at, camera_id) WHERE {' AND '.join([*conditions, 'appearance IS NOT NULL'])}"
    )
    reads = (
        f"SELECT {_COLUMNS.format(score='score')}, posterior, vector FROM appearances t "  # noqa: S608
        f"{names} USING (seen_at, camera_id) JOIN reads r USING (seen_at, camera_id, pass_id) "
        f"WHERE {' AND '.join([*conditions, 'r.seen_at >= %(since)s', 'r.seen_at <= %(until)s'])}"
    )
    both = hits if query.is_of_hits else f"({hits}) UNION ALL ({reads})"
    return f"SELECT DISTINCT ON (seen_at, camera_id, pass_id) * FROM ({both}) both_ {_ORDER}".encode(), values  # noqa: S608


def _part(table: str, columns: str, conditions: list[str], filter: Filter) -> str:
    # a hit stands there once for every entry that it met
    distinct = "DISTINCT ON (seen_at, camera_id, pass_id) " if table == "hits" else ""
    where = " AND ".join(conditions).replace("{table}", table)
    if not filter.asks_each_camera:
        return f"SELECT {distinct}{columns} FROM {table} WHERE {where} {_ORDER} LIMIT %(limit)s"  # noqa: S608
    one = f"SELECT {columns} FROM {table} WHERE camera_id = wanted.id AND {where} {_ORDER} LIMIT %(limit)s"  # noqa: S608
    return (
        f"SELECT {distinct}found.* FROM unnest(%(cameras)s::text[]) AS wanted (id) "  # noqa: S608
        f"CROSS JOIN LATERAL ({one}) found {_ORDER} LIMIT %(limit)s"
    )


def _is_partial(plate: str) -> bool:
    return "?" in plate or "*" in plate


def _anchors(plate: str) -> tuple[str, str]:
    """What stands before the first wildcard and after the last; a whole plate is all of the first."""
    wild = [place for place, symbol in enumerate(plate) if symbol in "?*"]
    return (plate[: wild[0]], plate[wild[-1] + 1 :]) if wild else (plate, "")


def _like(plate: str) -> str:
    return plate.replace("?", "_").replace("*", "%")
