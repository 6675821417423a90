"""`/hotlists`, `/entries`, `/imports`: entered by one person, approved by another.

Who acts is told by the header ``Beket-As``. Plates stand in bodies alone: identifiers never tell them.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.deps import OpenedDatabase
from api.hotlist_records import (
    AskedEntry,
    AskedList,
    AskedRestore,
    Because,
    CategoryRecord,
    DraftRecord,
    EntryPage,
    EntryRecord,
    History,
    HotlistIndexPage,
    HotlistRecord,
    ImportPage,
    ImportRecord,
    LookBackPage,
    LookBackRecord,
    ProblemPage,
    ProblemRow,
    State,
)
from api.problem import responses
from api.purpose import Actor
from storage.hotlists.categories import CategoryBook
from storage.hotlists.entries import EntryBook
from storage.hotlists.imports import ImportBook
from storage.hotlists.life import EntryState
from storage.hotlists.lists import HotlistBook
from storage.hotlists.look_backs import LookBackQueue
from storage.hotlists.rows import find_plate_doubt

router = APIRouter(tags=["hotlists"])

ListId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="A list's id.")]
EntryId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$", description="An entry's id.")]
ImportId = Annotated[int, Path(ge=1, lt=2**62, description="An import's number.")]
READS = responses(404, 422, 503)
CHANGES = responses(404, 409, 422, 503)


@router.get("/hotlists", responses=responses(503))
def list_hotlists(database: OpenedDatabase) -> HotlistIndexPage:
    """All lists, and the set of categories, the most urgent first."""
    lists = [HotlistRecord.model_validate(one) for one in HotlistBook(database).all()]
    categories = [CategoryRecord.model_validate(one) for one in CategoryBook(database).all().values()]
    return HotlistIndexPage(hotlists=lists, categories=categories)


@router.post("/hotlists", status_code=201, responses=CHANGES)
def make_hotlist(asked: AskedList, actor: Actor, database: OpenedDatabase) -> HotlistRecord:
    """Begin a list."""
    book = HotlistBook(database)
    made = book.make(asked.hotlist_id, by=actor, owner=asked.owner, purpose=asked.purpose, name=asked.name)
    return HotlistRecord.model_validate(made)


@router.get("/hotlists/{hotlist_id}", responses=READS)
def get_hotlist(hotlist_id: ListId, database: OpenedDatabase) -> HotlistRecord:
    """One list."""
    return HotlistRecord.model_validate(HotlistBook(database).get(hotlist_id))


@router.get("/hotlists/{hotlist_id}/history", responses=READS)
def get_hotlist_history(hotlist_id: ListId, database: OpenedDatabase) -> History:
    """Every change of a list."""
    return History(states=HotlistBook(database).history(hotlist_id))


@router.post("/hotlists/{hotlist_id}/suspend", responses=CHANGES)
def suspend_hotlist(hotlist_id: ListId, asked: Because, actor: Actor, database: OpenedDatabase) -> HotlistRecord:
    """Stop a whole list from matching, at once."""
    return HotlistRecord.model_validate(HotlistBook(database).suspend(hotlist_id, by=actor, because=asked.because))


@router.post("/hotlists/{hotlist_id}/resume", responses=CHANGES)
def resume_hotlist(hotlist_id: ListId, actor: Actor, database: OpenedDatabase) -> HotlistRecord:
    """Let it match again."""
    return HotlistRecord.model_validate(HotlistBook(database).resume(hotlist_id, by=actor))


@router.get("/hotlists/{hotlist_id}/entries", responses=READS)
def list_entries(
    hotlist_id: ListId,
    database: OpenedDatabase,
    state: State | None = None,
    after: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$", description="`next` of before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> EntryPage:
    """Entries of a list by plate, page by page."""
    HotlistBook(database).get(hotlist_id)
    wanted = None if state is None else EntryState(state)
    found = EntryBook(database).list(hotlist_id, state=wanted, after=after, limit=limit + 1)
    page = [EntryRecord.model_validate(entry) for entry in found[:limit]]
    return EntryPage(entries=page, next=page[-1].entry_id if len(found) > limit else None)


@router.post("/hotlists/{hotlist_id}/entries", status_code=201, responses=CHANGES)
def draft_entry(hotlist_id: ListId, asked: AskedEntry, actor: Actor, database: OpenedDatabase) -> DraftRecord:
    """Enter one entry as a draft. `warnings` says what to look at before it is approved."""
    draft = EntryBook(database).draft(hotlist_id, asked.row(datetime.now(UTC)), by=actor)
    doubt = find_plate_doubt(draft.plate)
    return DraftRecord.model_validate({**asdict(draft), "warnings": [] if doubt is None else [doubt]})


@router.get("/entries/{entry_id}", responses=READS)
def get_entry(entry_id: EntryId, database: OpenedDatabase) -> EntryRecord:
    """One entry."""
    return EntryRecord.model_validate(EntryBook(database).get(entry_id))


@router.get("/entries/{entry_id}/history", responses=READS)
def get_entry_history(entry_id: EntryId, database: OpenedDatabase) -> History:
    """Every change of an entry."""
    return History(states=EntryBook(database).history(entry_id))


@router.post("/entries/{entry_id}/approve", responses=CHANGES)
def approve_entry(entry_id: EntryId, actor: Actor, database: OpenedDatabase) -> EntryRecord:
    """Let a draft go live; whoever entered it can't. Matchers know it within two seconds."""
    return EntryRecord.model_validate(EntryBook(database).approve(entry_id, by=actor))


@router.post("/entries/{entry_id}/withdraw", responses=CHANGES)
def withdraw_entry(entry_id: EntryId, asked: Because, actor: Actor, database: OpenedDatabase) -> EntryRecord:
    """Take an entry off before its end."""
    return EntryRecord.model_validate(EntryBook(database).withdraw(entry_id, by=actor, because=asked.because))


@router.get("/hotlists/{hotlist_id}/imports", responses=READS)
def list_imports(hotlist_id: ListId, database: OpenedDatabase) -> ImportPage:
    """The last imports of a list, newest first."""
    HotlistBook(database).get(hotlist_id)
    return ImportPage(imports=[ImportRecord.model_validate(one) for one in ImportBook(database).list(hotlist_id)])


@router.post("/hotlists/{hotlist_id}/restore", status_code=201, responses=CHANGES)
def restore_hotlist(hotlist_id: ListId, asked: AskedRestore, actor: Actor, database: OpenedDatabase) -> ImportRecord:
    """Stage the list's imported entries as they stood at an earlier version."""
    return ImportRecord.model_validate(ImportBook(database).restore(hotlist_id, by=actor, version=asked.version))


@router.get("/imports/{import_id}", responses=READS)
def get_import(import_id: ImportId, database: OpenedDatabase) -> ImportRecord:
    """One import."""
    return ImportRecord.model_validate(ImportBook(database).get(import_id))


@router.get("/imports/{import_id}/problems", responses=READS)
def list_problems(
    import_id: ImportId, database: OpenedDatabase, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> ProblemPage:
    """Rows of an import that were left out, and those that want a look: line, column, what, how to mend it."""
    book = ImportBook(database)
    book.get(import_id)
    found = {
        name: [ProblemRow.model_validate(one) for one in book.problems(import_id, warnings=warnings, limit=limit)]
        for name, warnings in (("problems", False), ("warnings", True))
    }
    return ProblemPage(**found)


@router.post("/imports/{import_id}/approve", responses=CHANGES)
def approve_import(import_id: ImportId, actor: Actor, database: OpenedDatabase) -> ImportRecord:
    """Take a pending import in as a whole; whoever staged it can't."""
    return ImportRecord.model_validate(ImportBook(database).approve(import_id, by=actor))


@router.post("/imports/{import_id}/reject", responses=CHANGES)
def reject_import(import_id: ImportId, actor: Actor, database: OpenedDatabase) -> ImportRecord:
    """Drop a pending import."""
    return ImportRecord.model_validate(ImportBook(database).reject(import_id, by=actor))


@router.get("/look-backs", responses=responses(503))
def list_look_backs(database: OpenedDatabase) -> LookBackPage:
    """How far the reads still kept are searched for entries that went live, newest first."""
    return LookBackPage(look_backs=[LookBackRecord.model_validate(one) for one in LookBackQueue(database).newest()])
