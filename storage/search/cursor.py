"""Where a page ended, as an opaque text: times and ids of passes, never a plate."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from storage.search.errors import QueryRefused


@dataclass(frozen=True, slots=True)
class Position:
    """A pass in the order of an answer; ``score`` where the answer is ranked."""

    seen_at: datetime
    camera_id: str
    pass_id: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """``[since, until)`` is what the next page searches; ``after`` the last pass of the page before in it."""

    digest: str
    since: datetime
    until: datetime
    after: Position | None = None

    def encode(self) -> str:
        at = self.after
        record = [
            self.digest,
            self.since.isoformat(),
            self.until.isoformat(),
            None if at is None else [at.seen_at.isoformat(), at.camera_id, at.pass_id, at.score],
        ]
        return base64.urlsafe_b64encode(json.dumps(record, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, digest: str) -> Cursor:
        """The cursor that ``encode`` made for the question of ``digest``. Raises ``QueryRefused``."""
        try:
            padded = text + "=" * (-len(text) % 4)
            given, since, until, at = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            position = None
            if at is not None:
                seen_at, camera_id, pass_id, score = at
                if not (isinstance(camera_id, str) and isinstance(pass_id, str)):
                    raise ValueError
                position = Position(_aware(seen_at), camera_id, pass_id, None if score is None else float(score))
            cursor = cls(str(given), _aware(since), _aware(until), position)
        except (ValueError, TypeError, binascii.Error, RecursionError):
            raise QueryRefused("cursor", "cursor: is none; give `next` of the page before, as it came") from None
        if cursor.digest != digest:
            raise QueryRefused("cursor", "cursor: belongs to another question; ask for the first page of this one")
        return cursor


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a cursor's times name their zone")
    return at
