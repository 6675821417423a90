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

    At first nothing is known: ``settled`` holds what has been raised, or has been absent for long enough to be sure.
    """

    def __init__(self, raise_s: float, clear_s: float, longer: Mapping[Key, float] | None = None) -> None:
        self._raise_s = raise_s
        self._clear_s = clear_s
        self._longer = dict(longer or {})
        self._since: dict[Key, float] = {}
        self._pending: dict[tuple[Key, bool], float] = {}
        self._settled: set[Key] = set()

    @property
    def standing(self) -> Mapping[Key, float]:
        """What is raised, and when its condition began."""
        return self._since

    @property
    def settled(self) -> Set[Key]:
        """What is known to stand or not to stand."""
        return self._settled

    def look(self, t: float, present: Set[Key], judged: Set[Key] | None = None) -> Change[Key]:
        """Take in what is ``present`` at ``t``. ``judged`` is what could be present (None: everything)."""
        raised: set[Key] = set()
        cleared: set[Key] = set()
        for key in present | self._since.keys() | (judged or set()) | {key for key, _ in self._pending}:
            is_present = key in present
            self._pending.pop((key, not is_present), None)
            is_judged = judged is None or key in judged or is_present
            is_news = is_present != (key in self._since) or (not is_present and key not in self._settled)
            if not (is_judged and is_news):
                self._pending.pop((key, is_present), None)
                continue
            began = self._pending.setdefault((key, is_present), t)
            if t - began < self._longer.get(key, self._raise_s if is_present else self._clear_s):
                continue
            del self._pending[key, is_present]
            self._settled.add(key)
            if is_present:
                self._since[key] = began
                raised.add(key)
            elif key in self._since:
                del self._since[key]
                cleared.add(key)
        return Change(frozenset(raised), frozenset(cleared))
