"""What hotlists refuse, each with a code for programs and a sentence with the way out."""

from __future__ import annotations

from storage.errors import StorageError


class HotlistRefused(StorageError, ValueError):
    """A hotlist can't do what was asked; the message says why and what to do."""

    code = "refused"


class IllegalMove(HotlistRefused):
    """The entry, list or import is in a state from which this can't be done, or this person may not do it."""

    code = "illegal-move"


class SamePerson(IllegalMove):
    """Whoever entered something may not approve it."""

    code = "same-person"


class UnknownRecord(HotlistRefused, LookupError):
    """There is no list, entry or import of that name."""

    code = "unknown"


class BadEntry(HotlistRefused):
    """An entry's field can't stand."""

    code = "bad-entry"
