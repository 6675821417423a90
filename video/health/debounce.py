"""Conditions that must hold before they are told, and be gone for a while before they are taken back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Change(Generic[Key]):
    """What changed by one look."""

    raised: frozenset[Key]
    cleared: frozenset[Key]

    def __bool__(self) -> bool:
        return bool(self.raised or self.cleared)


class Debounce(Generic[Key]):
    """Raises what has been present for ``raise_s`` at every look, clears what has been absent for ``clear_s``.

    ``longer`` gives seconds of their own to some, for both. What a look could not judge stays as it stands, and its
    waiting begins anew. ``t`` is in seconds of one clock and must not run back.
    """

    def __init__(self, raise_s: float, clear_s: float, longer: Mapping[Key, float] | None = None) -> None:
        self._raise_s = raise_s
        self._clear_s = clear_s
        self._longer = dict(longer or {})
        self._since: dict[Key, float] = {}
        self._pending: dict[Key, float] = {}

    @property
    def standing(self) -> Mapping[Key, float]:
        """What is raised, and when its condition began."""
        return self._since

    def look(self, t: float, present: Set[Key], judged: Set[Key] | None = None) -> Change[Key]:
        """Take in what is ``present`` at ``t``. ``judged`` is what could be present (None: everything)."""
        raised: set[Key] = set()
        cleared: set[Key] = set()
        for key in present | self._since.keys() | self._pending.keys():
            is_judged = judged is None or key in judged or key in present
            if not is_judged or (key in present) == (key in self._since):
                self._pending.pop(key, None)
                continue
            began = self._pending.setdefault(key, t)
            hold_s = self._longer.get(key, self._raise_s if key in present else self._clear_s)
            if t - began < hold_s:
                continue
            del self._pending[key]
            if key in present:
                self._since[key] = began
                raised.add(key)
            else:
                del self._since[key]
                cleared.add(key)
        return Change(frozenset(raised), frozenset(cleared))
