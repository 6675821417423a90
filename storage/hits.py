"""Hits become alerts here, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from index.entry import Entry, Match
from index.read import PlateRead
from storage.alerts import MediaState, PictureKind, announce_alert
from storage.crossings import Crossing, CrossingMap
from storage.database import Connection, Database
from storage.posteriors import pack_posterior

PICTURE_BYTES: Final = 200 * 1024
"""The largest picture that goes with a hit; a larger one is left out, never the hit."""

_NAMESPACE: Final = UUID("6f1d0c3e-6f6b-4d0a-9b0e-62656b657400")


class HitOutcome(StrEnum):
    """What recording a hit did."""

    RAISED = "raised"
    """A new alert stands before the operators."""
    UPDATED = "updated"
    """An alert that was there changed: a later sighting, or a better reading of the same pass."""
    REPLAY = "replay"
    """It was known already; nothing changed."""


@dataclass(frozen=True, slots=True)
class RecordedHit:
    """What became of a hit."""

    outcome: HitOutcome
    alert_id: UUID
    cursor: int | None
    """The event that told of it; None for a replay."""
    clip: MediaState | None
    """The clip of this pass: cut one when it is pending and you have not; None when none is wanted."""


_HIT_COLUMNS: Final = (
    "kind, score, text, read_score, characters, posterior, legibility, country, format, lines, frames_read, "
    "plate_box, vehicle_box, vehicle_type, vehicle_colour, appearance, t_in, t_out, best_t, seen_at, closed, "
    "camera_at, skew_s"
)
_COUNT: Final = len(_HIT_COLUMNS.split(","))
_INSERT_HIT: Final = (
    f"INSERT INTO hits (hit_id, alert_id, before_entry, camera_id, pass_id, entry_id, {_HIT_COLUMNS}) "  # noqa: S608 - constants
    f"VALUES ({', '.join(['%s'] * (6 + _COUNT))})"
)
_UPDATE_HIT: Final = (
    f"UPDATE hits SET ({_HIT_COLUMNS}, updated_at) = ({', '.join(['%s'] * _COUNT)}, now()) "  # noqa: S608 - constants
    "WHERE camera_id = %s AND pass_id = %s AND entry_id = %s"
)
_SAME_ALERT: Final = """
SELECT alert_id FROM alerts a
WHERE camera_id = ANY(%(cameras)s) AND entry_id = %(entry)s AND before_entry = %(before_entry)s
    AND last_seen_at >= %(seen)s - %(longest)s AND first_seen_at <= %(seen)s + %(longest)s
    AND EXISTS (
        SELECT FROM hits h WHERE h.alert_id = a.alert_id AND (
            h.seen_at BETWEEN %(seen)s - %(crossing)s AND %(seen)s + %(crossing)s
            OR (h.camera_id = %(camera)s AND h.seen_at BETWEEN %(seen)s - %(own)s AND %(seen)s + %(own)s)
        )
    )
ORDER BY last_seen_at DESC LIMIT 1 FOR UPDATE
"""
_ENTRY: Final = """
SELECT jsonb_build_object(
    'plate', e.plate, 'category', e.category, 'note', e.note, 'hotlist', h.name, 'legal_basis', e.legal_basis,
    'authority', e.authority, 'instructions', e.instructions, 'risk', e.risk, 'vehicle', e.vehicle,
    'priority', c.priority, 'colour', c.colour), e.valid_until
FROM entries e JOIN hotlists h USING (hotlist_id) LEFT JOIN categories c USING (category) WHERE e.entry_id = %s
"""


class HitBook:
    """Records hits: hit, alert, pictures and event in one transaction. Thread-safe, and safe between processes.

    The identity of a hit is (camera, pass, entry): recording it again, from a replay or an orphan, changes nothing.
    All who write to one database must know the same ``crossings``.
    """

    def __init__(self, database: Database, crossings: Sequence[Crossing] = ()) -> None:
        self._database = database
        self._crossings = CrossingMap(crossings)

    def record(
        self,
        read: PlateRead,
        match: Match,
        *,
        same_alert_within_s: float,
        pictures: Mapping[PictureKind, bytes] | None = None,
        before_entry: bool = False,
    ) -> RecordedHit:
        """Record that ``read`` met ``match.entry``; ``before_entry`` when it was seen before that went live.

        A hit of the same entry is one more sighting of an alert that has a sighting by the same camera within
        ``same_alert_within_s``, or by any camera of its crossing within the crossing's time. An early report
        (``read.closed`` False) and its final one are the same hit, and the final one stands, in whatever order they
        come. Raises ``DatabaseAway`` (try again: nothing is doubled) or
        ``DatabaseRefused``.
        """
        seen_at = read.seen_at or datetime.now(UTC)
        pictures = {kind: jpeg for kind, jpeg in (pictures or {}).items() if len(jpeg) <= PICTURE_BYTES}
        identity = (read.camera_id, read.pass_id, match.entry.entry_id)
        crossing = self._crossings.of(read.camera_id)
        with self._database.transaction() as connection:
            # whoever could be a sighting of the same alert waits here for the other
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"hit\x1f{crossing.crossing_id}\x1f{identity[2]}"],
            )
            known = connection.execute(
                "SELECT alert_id, closed, frames_read FROM hits "
                "WHERE camera_id = %s AND pass_id = %s AND entry_id = %s",
                identity,
            ).fetchone()
            if known is not None:
                return self._record_again(connection, known, identity, read, match, seen_at, pictures)
            same = connection.execute(
                _SAME_ALERT,
                {
                    "camera": read.camera_id,
                    "cameras": list(crossing.cameras),
                    "entry": match.entry.entry_id,
                    "before_entry": before_entry,
                    "seen": seen_at,
                    "own": timedelta(seconds=same_alert_within_s),
                    "crossing": timedelta(seconds=crossing.within_s),
                    "longest": timedelta(seconds=max(same_alert_within_s, crossing.within_s)),
                },
            ).fetchone()
            hit_id = uuid5(_NAMESPACE, "\x1f".join(identity))
            alert_id: UUID = hit_id if same is None else same[0]
            if same is None:
                connection.execute(
                    "INSERT INTO alerts (alert_id, camera_id, entry_id, pass_id, entry, first_seen_at, last_seen_at, "
                    "before_entry) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                    [
                        alert_id,
                        read.camera_id,
                        match.entry.entry_id,
                        read.pass_id,
                        Jsonb(_entry_as_shown(connection, match)),
                        seen_at,
                        seen_at,
                        before_entry,
                    ],
                )
            else:
                connection.execute(
                    "UPDATE alerts SET sightings = sightings + 1, updated_at = now(), "
                    "first_seen_at = least(first_seen_at, %s), last_seen_at = greatest(last_seen_at, %s) "
                    "WHERE alert_id = %s",
                    [seen_at, seen_at, alert_id],
                )
            connection.execute(
                _INSERT_HIT, [hit_id, alert_id, before_entry, *identity, *_hit_values(read, match, seen_at)]
            )
            _put_pictures(connection, read, pictures, replace=False)
            outcome = HitOutcome.RAISED if same is None else HitOutcome.UPDATED
            wants_clip = same is None and not before_entry  # its packets are long gone
            clip = _ask_for_clip(connection, read) if wants_clip else _clip_state(connection, read)
            cursor = announce_alert(connection, f"alert.{outcome.value}", alert_id)
            return RecordedHit(outcome, alert_id, cursor, clip)

    def _record_again(
        self,
        connection: Connection,
        known: tuple[Any, ...],
        identity: tuple[str, str, str],
        read: PlateRead,
        match: Match,
        seen_at: datetime,
        pictures: Mapping[PictureKind, bytes],
    ) -> RecordedHit:
        alert_id, closed, frames_read = known
        connection.execute("SELECT 1 FROM alerts WHERE alert_id = %s FOR UPDATE", [alert_id])
        better = (read.closed, read.frames_read) > (closed, frames_read)
        added = _put_pictures(connection, read, pictures, replace=better)
        clip = _clip_state(connection, read)
        if not better and not added:
            return RecordedHit(HitOutcome.REPLAY, alert_id, None, clip)
        if better:
            connection.execute(_UPDATE_HIT, [*_hit_values(read, match, seen_at), *identity])
        connection.execute(
            "UPDATE alerts SET updated_at = now(), last_seen_at = greatest(last_seen_at, %s) WHERE alert_id = %s",
            [seen_at, alert_id],
        )
        cursor = announce_alert(connection, "alert.updated", alert_id)
        return RecordedHit(HitOutcome.UPDATED, alert_id, cursor, clip)


def _hit_values(read: PlateRead, match: Match, seen_at: datetime) -> list[Any]:
    return [
        match.kind.value,
        match.score,
        read.text,
        read.score,
        list(read.posterior.characters),
        pack_posterior(read.posterior),
        read.legibility,
        read.country,
        read.format,
        read.lines,
        read.frames_read,
        list(read.plate_box),
        None if read.vehicle_box is None else list(read.vehicle_box),
        read.vehicle_type,
        read.vehicle_colour,
        read.appearance,
        read.t_in,
        read.t_out,
        read.best_t,
        seen_at,
        read.closed,
        read.camera_at,
        read.skew_s,
    ]


def _entry_as_shown(connection: Connection, match: Match) -> dict[str, Any]:
    """The entry as the operator will see it; one that is on no list of ours is shown as the matcher knew it."""
    entry = match.entry
    row = connection.execute(_ENTRY, [entry.entry_id]).fetchone()
    known, valid_until = row if row is not None else (_unlisted(entry), entry.valid_until)
    return {"entry_id": entry.entry_id, **known, "valid_until": valid_until.isoformat()}


def _unlisted(entry: Entry) -> dict[str, Any]:
    texts = dict.fromkeys(("note", "hotlist", "authority", "instructions", "risk"), "")
    nothing = dict.fromkeys(("legal_basis", "priority", "colour"))
    return {"plate": entry.plate, "category": entry.category, **texts, **nothing, "vehicle": {}}


def _put_pictures(
    connection: Connection, read: PlateRead, pictures: Mapping[PictureKind, bytes], *, replace: bool
) -> int:
    """Keep pictures of the pass; returns how many are new or changed.

    The kinds come in one order, so that two writers can't wait for each other.
    """
    on_conflict = "DO UPDATE SET jpeg = excluded.jpeg, taken_at = now()" if replace else "DO NOTHING"
    return sum(
        connection.execute(
            f"INSERT INTO hit_pictures (camera_id, pass_id, kind, jpeg) VALUES (%s, %s, %s, %s) "  # noqa: S608
            f"ON CONFLICT (camera_id, pass_id, kind) {on_conflict}",
            [read.camera_id, read.pass_id, kind.value, jpeg],
        ).rowcount
        for kind, jpeg in sorted(pictures.items())
    )


def _clip_state(connection: Connection, read: PlateRead) -> MediaState | None:
    row = connection.execute(
        "SELECT state FROM clips WHERE camera_id = %s AND pass_id = %s", [read.camera_id, read.pass_id]
    ).fetchone()
    return None if row is None else MediaState(row[0])


def _ask_for_clip(connection: Connection, read: PlateRead) -> MediaState:
    """Note that a clip is to come, and hold its row until the commit: a clip that arrives now waits for the alert."""
    row = connection.execute(
        "INSERT INTO clips (camera_id, pass_id, state) VALUES (%s, %s, 'pending') "
        "ON CONFLICT (camera_id, pass_id) DO UPDATE SET camera_id = excluded.camera_id RETURNING state",
        [read.camera_id, read.pass_id],
    ).fetchone()
    return MediaState.PENDING if row is None else MediaState(row[0])
