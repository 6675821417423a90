"""One entry as it is entered, and what has to hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from index.grammar import GRAMMAR
from index.lookalikes import PlateError, normalise
from index.partial import FEWEST_KNOWN, is_partial
from storage.hotlists.categories import Category


@dataclass(frozen=True, slots=True)
class VehicleDescription:
    """What the vehicle looks like, to check a sighting by; empty where unknown."""

    make: str = ""
    colour: str = ""
    type: str = ""

    def as_json(self) -> dict[str, str]:
        named = (("make", self.make), ("colour", self.colour), ("type", self.type))
        return {name: value for name, value in named if value}


NO_DESCRIPTION = VehicleDescription()


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry as it comes from a person or from outside."""

    entry_id: str
    plate: str
    category: str
    legal_basis: str
    """The document's number."""
    owner: str
    """Who answers for the entry."""
    valid_from: datetime
    valid_until: datetime
    note: str = ""
    authority: str = ""
    """Who issued the document."""
    regions: tuple[str, ...] = ()
    """Where it is matched; everywhere when empty."""
    vehicle: VehicleDescription = NO_DESCRIPTION
    instructions: str = ""
    """What the operator is to do."""
    risk: str = ""
    """What whoever stops the vehicle must know."""
    withdraw: bool = False
    """In a delta: take the entry off instead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an entry can't stand: the field, what is wrong with it, and how to mend it."""

    field: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.field}: {self.what}; {self.mend}"


def new_entry_id() -> str:
    """An identifier that tells nothing of the plate."""
    return str(uuid4())


def find_fault(row: EntryRow, categories: Mapping[str, Category], now: datetime) -> Fault | None:
    """The first thing that keeps ``row`` from standing at ``now``, or None."""
    for name in ("category", "legal_basis", "authority", "owner"):
        if not getattr(row, name):
            return Fault(name, "empty", f"every entry needs its {name.replace('_', ' ')}")
    category = categories.get(row.category)
    if category is None or category.retired:
        known = ", ".join(name for name, one in categories.items() if not one.retired)
        return Fault("category", f"{row.category!r} is not in the set", f"take one of: {known}")
    if row.valid_until <= max(row.valid_from, now):
        return Fault("valid_until", f"it ended on {row.valid_until:%Y-%m-%d}", "give it a later end, or drop the entry")
    if row.valid_until > max(row.valid_from, now) + category.ceiling:
        latest = max(row.valid_from, now) + category.ceiling
        what = f"{row.valid_until:%Y-%m-%d} is too far: {row.category} lasts at most {category.ceiling_days} days"
        return Fault("valid_until", what, f"end it by {latest:%Y-%m-%d}")
    return None


def find_plate_doubt(plate: str) -> Fault | None:
    """What a person should look at before a plate that can be matched goes live, or None. Partial ones are let be."""
    if is_partial(plate) or GRAMMAR.is_possible(plate):
        return None
    return Fault("plate", "no known format spells it", "check the characters")


def find_plate_fault(plate: str) -> Fault | None:
    """What keeps ``plate`` from being matched, or None."""
    try:
        found = normalise(plate, wildcards=True)
    except PlateError as error:
        return Fault("plate", str(error), "write the plate as it stands on the vehicle")
    if found.is_partial and sum(symbol not in "?*" for symbol in found.text) < FEWEST_KNOWN:
        return Fault(
            "plate", f"partial plate {found.text!r} names too little", f"name {FEWEST_KNOWN} characters or more"
        )
    return None
