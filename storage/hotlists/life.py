"""The life of an entry: draft, approved by a second person, live, then expired or withdrawn."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from storage.hotlists.errors import IllegalMove


class EntryState(StrEnum):
    """Where an entry is in its life."""

    DRAFT = "draft"
    """Entered by one person; matches nothing."""
    APPROVED = "approved"
    """Approved by another, and its beginning lies ahead."""
    LIVE = "live"
    """Matched."""
    EXPIRED = "expired"
    """Its end has come."""
    WITHDRAWN = "withdrawn"
    """A person took it off before its end."""


class Move(StrEnum):
    """What can be done with an entry."""

    APPROVE = "approve"
    BEGIN = "begin"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"


_D, _A, _L, _E, _W = EntryState
_MOVES: Final = {
    (_D, Move.APPROVE): _A,
    (_A, Move.BEGIN): _L,
    (_A, Move.EXPIRE): _E,
    (_L, Move.EXPIRE): _E,
    (_D, Move.WITHDRAW): _W,
    (_A, Move.WITHDRAW): _W,
    (_L, Move.WITHDRAW): _W,
}
_WHY_NOT: Final = {
    (_A, Move.APPROVE): "was approved already by {approved_by}: nothing is left to do until it begins",
    (_L, Move.APPROVE): "was approved already by {approved_by} and is live",
    (_E, Move.APPROVE): "has expired: enter it anew if its legal basis still stands",
    (_W, Move.APPROVE): "was withdrawn by {withdrawn_by}: enter it anew if its legal basis still stands",
    (_D, Move.BEGIN): "is a draft: a second person has to approve it first",
    (_L, Move.BEGIN): "is live already",
    (_E, Move.BEGIN): "has expired",
    (_W, Move.BEGIN): "was withdrawn by {withdrawn_by}",
    (_D, Move.EXPIRE): "is a draft: it was never live; withdraw it",
    (_E, Move.EXPIRE): "has expired already",
    (_W, Move.EXPIRE): "was withdrawn by {withdrawn_by} before its end",
    (_E, Move.WITHDRAW): "has expired: it matches nothing any more",
    (_W, Move.WITHDRAW): "was withdrawn already by {withdrawn_by}",
}


def after(
    state: EntryState, move: Move, *, entry_id: str, approved_by: str | None = None, withdrawn_by: str | None = None
) -> EntryState:
    """The state that ``move`` leads to. Raises ``IllegalMove``, which says what stands against it and who did that."""
    found = _MOVES.get((state, move))
    if found is None:
        why = _WHY_NOT[state, move].format(approved_by=approved_by or "someone", withdrawn_by=withdrawn_by or "someone")
        raise IllegalMove(f"entry {entry_id} {why}")
    return found
