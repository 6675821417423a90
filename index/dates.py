"""Dates as people write them in tables, to aware times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")


class DateError(ValueError):
    """A text that is no date."""


def parse_date(written: str, zone: tzinfo = UTC, *, is_end: bool = False) -> datetime:
    """``2026-12-31``, ``20261231``, ``31.12.2026``, ``31/12/2026`` (day first), each also with a time, or ISO 8601.

    The result is UTC. A time without a zone is in ``zone``; a bare date begins its day, or with ``is_end`` ends it
    (the next midnight). Raises ``DateError``.
    """
    text = written.strip()
    try:
        when, is_bare = _read(text)
        if is_bare and is_end:
            when += timedelta(days=1)
        return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DateError(f"{written!r} is no date that can be understood") from error


def _read(text: str) -> tuple[datetime, bool]:
    for pattern, year, month, day in ((_DAY_FIRST, 3, 2, 1), (_YEAR_FIRST, 1, 2, 3)):
        found = pattern.fullmatch(text)
        if found:
            hour, minute, second = (int(found[group] or 0) for group in (4, 5, 6))
            when = datetime(int(found[year]), int(found[month]), int(found[day]), hour, minute, second)
            return when, found[4] is None
    return datetime.fromisoformat(text), len(text) <= 10
