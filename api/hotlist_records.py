"""Hotlists and entries as the API takes and sends them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from index.lookalikes import PlateError, normalise
from storage.hotlists.errors import BadEntry
from storage.hotlists.rows import EntryRow, VehicleDescription, new_entry_id

Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
ListName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
State = Literal["draft", "approved", "live", "expired", "withdrawn"]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", from_attributes=True)


class AskedList(_Asked):
    """A new list."""

    hotlist_id: ListName
    owner: Name = Field(description="Who answers for the list.")
    purpose: Name = Field(description="What it is for.")
    name: Text = ""


class Because(_Asked):
    """Why something is done; it is kept with the change."""

    because: Text = ""


class AskedVehicle(_Asked):
    """What the vehicle looks like, to check a sighting by."""

    make: Text = ""
    colour: Text = ""
    type: Text = ""


class AskedEntry(_Asked):
    """A new entry. It is a draft until a second person approves it."""

    plate: Text = Field(description="Whole, or partial with `?` (one character) and `*` (any run).")
    category: Name
    legal_basis: Name = Field(description="The document's number.")
    authority: Name = Field(description="Who issued it.")
    owner: Name = Field(description="Who answers for the entry.")
    valid_from: AwareDatetime | None = Field(None, description="Now when left out.")
    valid_until: AwareDatetime
    regions: list[Name] = Field([], max_length=100, description="Where it is matched; everywhere when empty.")
    vehicle: AskedVehicle = AskedVehicle()
    instructions: Text = ""
    risk: Text = ""
    note: Text = ""

    def row(self, now: datetime) -> EntryRow:
        """The entry with an identifier of its own. Raises ``BadEntry`` where the plate is none."""
        try:
            plate = normalise(self.plate, wildcards=True).text
        except PlateError as error:
            raise BadEntry(f"plate: {error}") from None
        return EntryRow(
            new_entry_id(),
            plate,
            self.category,
            self.legal_basis,
            self.owner,
            self.valid_from or now,
            self.valid_until,
            self.note,
            self.authority,
            tuple(self.regions),
            VehicleDescription(self.vehicle.make, self.vehicle.colour, self.vehicle.type),
            self.instructions,
            self.risk,
        )


class AskedRestore(_Asked):
    """Which version of a list is to come back."""

    version: int | None = Field(None, ge=0, lt=2**62, description="As its imports tell it; else before the last one.")


class CategoryRecord(_Record):
    """One category of entries."""

    category: str
    priority: int
    colour: str
    ceiling_days: int
    names: dict[str, str]
    retired: bool


class HotlistRecord(_Record):
    """A list and how many entries it has."""

    hotlist_id: str
    name: str
    purpose: str
    owner: str
    suspended: bool
    suspended_because: str
    live: int
    drafts: int
    entries: int


class EntryRecord(_Record):
    """An entry with all that is kept of it."""

    entry_id: str
    hotlist_id: str
    plate: str
    category: str
    legal_basis: str
    authority: str
    owner: str
    valid_from: datetime
    valid_until: datetime
    regions: list[str]
    vehicle: dict[str, str]
    note: str
    instructions: str
    risk: str
    state: State
    entered_by: str
    entered_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_because: str
    import_id: int | None
    live_since: datetime | None
    version: int


class EntryWarning(_Record):
    """What a person should look at before an entry goes live."""

    field: str
    what: str
    mend: str


class DraftRecord(EntryRecord):
    """A new draft."""

    warnings: list[EntryWarning]


class ImportRecord(_Record):
    """A batch from outside: what approval would do while it is pending, what it did after."""

    import_id: int
    hotlist_id: str
    kind: Literal["full", "delta", "restore"]
    source: str
    sha256: str | None
    state: Literal["pending", "approved", "rejected", "superseded"]
    entered_by: str
    entered_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    rows: int
    folded: int = Field(description="Plates whose Cyrillic letters were folded to Latin ones.")
    warnings: int = Field(description="Rows that were taken and want a look: their plates are of no known format.")
    problems: int
    added: int
    changed: int
    unchanged: int
    withdrawn: int
    version: int | None


class ProblemRow(_Record):
    """A row that was left out or wants a look, and why."""

    line: int
    column: str
    what: str
    mend: str


class LookBackRecord(_Record):
    """How far the reads still kept are searched for entries that went live."""

    version: int
    asked_at: datetime
    before: datetime | None
    next_hour: datetime | None
    reads: int
    hits: int
    finished_at: datetime | None


class HotlistIndexPage(_Record):
    hotlists: list[HotlistRecord]
    categories: list[CategoryRecord]


class EntryPage(_Record):
    entries: list[EntryRecord]
    next: str | None = Field(description="Give it as `after` to get the next page; null at the end.")


class ImportPage(_Record):
    imports: list[ImportRecord]


class ProblemPage(_Record):
    problems: list[ProblemRow] = Field(description="Left out.")
    warnings: list[ProblemRow] = Field(description="Taken.")


class LookBackPage(_Record):
    look_backs: list[LookBackRecord]


class History(_Record):
    """Every state that the record was ever in, oldest first: `changed_by`, `updated_at`, and all fields."""

    states: list[dict[str, Any]]
