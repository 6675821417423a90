"""Records as JSON lines, lossless: what lies in spools and journals, and outlives the program that wrote it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np

from index.alphabet import ALPHABET
from index.entry import Entry, HitKind, Match
from index.read import Box, PlateRead, Posterior
from storage.alerts import PictureKind

_PLAIN: Final = (
    "camera_id",
    "pass_id",
    "legibility",
    "country",
    "format",
    "lines",
    "frames_read",
    "vehicle_type",
    "t_in",
    "t_out",
    "best_t",
    "closed",
)


@dataclass(frozen=True, slots=True)
class HitReport:
    """A hit on its way to the database, with its pictures (JPEG)."""

    read: PlateRead
    match: Match
    pictures: Mapping[PictureKind, bytes] = field(default_factory=dict)


def pack_reads(reads: Sequence[PlateRead]) -> bytes:
    """Reads as bytes."""
    return json.dumps([_read_json(read) for read in reads]).encode()


def unpack_reads(packed: bytes) -> list[PlateRead]:
    """What ``pack_reads`` packed. Raises ``ValueError`` on other bytes."""
    try:
        return [_read_from(record) for record in json.loads(packed)]
    except (KeyError, TypeError) as error:
        raise ValueError(f"these bytes hold no reads: {error}") from error


def pack_hit(report: HitReport) -> bytes:
    """A hit as bytes."""
    entry = report.match.entry
    return json.dumps(
        {
            "read": _read_json(report.read),
            "kind": report.match.kind.value,
            "score": report.match.score,
            "entry": {
                "entry_id": entry.entry_id,
                "plate": entry.plate,
                "category": entry.category,
                "valid_from": entry.valid_from.isoformat(),
                "valid_until": entry.valid_until.isoformat(),
            },
            "pictures": {kind.value: b64encode(jpeg).decode() for kind, jpeg in report.pictures.items()},
        }
    ).encode()


def unpack_hit(packed: bytes) -> HitReport:
    """What ``pack_hit`` packed. Raises ``ValueError`` on other bytes."""
    try:
        record = json.loads(packed)
        entry = record["entry"]
        return HitReport(
            read=_read_from(record["read"]),
            match=Match(
                entry=Entry(
                    entry["entry_id"],
                    entry["plate"],
                    entry["category"],
                    datetime.fromisoformat(entry["valid_from"]),
                    datetime.fromisoformat(entry["valid_until"]),
                ),
                kind=HitKind(record["kind"]),
                score=record["score"],
            ),
            pictures={PictureKind(kind): b64decode(jpeg) for kind, jpeg in record["pictures"].items()},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these bytes hold no hit: {error}") from error


def _read_json(read: PlateRead) -> dict[str, Any]:
    return {
        **{name: getattr(read, name) for name in _PLAIN},
        "posterior": b64encode(np.ascontiguousarray(read.posterior.log_probs, dtype="<f4").tobytes()).decode(),
        "plate_box": list(read.plate_box),
        "vehicle_box": None if read.vehicle_box is None else list(read.vehicle_box),
        "seen_at": None if read.seen_at is None else read.seen_at.isoformat(),
        "vehicle_colour": read.vehicle_colour,
        "appearance": None if read.appearance is None else b64encode(read.appearance).decode(),
        "camera_at": None if read.camera_at is None else read.camera_at.isoformat(),
        "skew_s": read.skew_s,
    }


def _read_from(record: dict[str, Any]) -> PlateRead:
    appearance = record.get("appearance")  # not in what an older beket left behind
    log_probs = np.frombuffer(b64decode(record["posterior"]), dtype="<f4").reshape(-1, len(ALPHABET))
    return PlateRead(
        **{name: record[name] for name in _PLAIN},
        posterior=Posterior(log_probs.astype(np.float32)),
        plate_box=Box(*record["plate_box"]),
        vehicle_box=None if record["vehicle_box"] is None else Box(*record["vehicle_box"]),
        seen_at=None if record["seen_at"] is None else datetime.fromisoformat(record["seen_at"]),
        vehicle_colour=record.get("vehicle_colour"),
        appearance=None if appearance is None else b64decode(appearance),
        # spools and journals of an earlier version hold no clocks
        camera_at=datetime.fromisoformat(record["camera_at"]) if record.get("camera_at") else None,
        skew_s=record.get("skew_s"),
    )
