"""Hotlists through the API: two people, problem documents, no plate in an address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from index.hotlist_table import RowError
from storage.database import Database
from storage.hotlists.import_records import ImportSource, OnError
from storage.hotlists.imports import ImportBook
from tests.fixtures.entries import make_row

CLERK, CHIEF = {"Beket-As": "clerk"}, {"Beket-As": "%D0%A8%D0%B5%D1%84"}
ENTRY: dict[str, Any] = {
    "plate": "123 авс-02",
    "category": "stolen",
    "legal_basis": "K-1",
    "authority": "city police",
    "owner": "duty officer",
    "valid_until": f"{datetime.now(UTC) + timedelta(days=9):%FT%TZ}",
    "vehicle": {"make": "Lada", "colour": "red"},
    "instructions": "stop",
}


class Caller:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, path: str, headers: dict[str, str] = CLERK, **body: Any) -> httpx.Response:
        return self._client.post(path, json=body, headers=headers)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self._client.get(path, params=query)


@pytest.fixture
def caller(api: str) -> Iterator[Caller]:
    with httpx.Client(base_url=api, timeout=60) as client:
        caller = Caller(client)
        made = caller.post("/hotlists", hotlist_id="main", owner="police", purpose="stolen vehicles")
        assert made.status_code == 201
        yield caller


def test_an_entry_through_its_life(caller: Caller) -> None:
    draft = caller.post("/hotlists/main/entries", **ENTRY)
    assert (draft.status_code, draft.json()["state"], draft.json()["plate"]) == (201, "draft", "123ABC02")
    entry = f"/entries/{draft.json()['entry_id']}"
    own = caller.post(entry + "/approve")
    assert (own.status_code, own.json()["code"]) == (409, "same-person")
    assert own.headers["content-type"] == "application/problem+json"
    live = caller.post(entry + "/approve", CHIEF).json()
    assert (live["state"], live["approved_by"], live["vehicle"]) == ("live", "Шеф", {"make": "Lada", "colour": "red"})
    again = caller.post(entry + "/approve", {"Beket-As": "other"})
    assert (again.status_code, again.json()["code"]) == (409, "illegal-move")
    assert "Шеф" in again.json()["detail"]
    assert caller.get("/hotlists/main/entries", state="live").json() == {"entries": [live], "next": None}
    assert caller.get("/hotlists/main").json()["live"] == 1
    suspended = caller.post("/hotlists/main/suspend", CHIEF, because="wrong").json()
    assert (suspended["suspended"], suspended["live"]) == (True, 0)
    assert caller.post("/hotlists/main/resume", CHIEF).json()["live"] == 1
    assert caller.post(entry + "/withdraw", CHIEF, because="found").json()["withdrawn_because"] == "found"
    states = caller.get(entry + "/history").json()["states"]
    assert [(one["state"], one["changed_by"]) for one in states] == [
        ("draft", "clerk"),
        ("live", "Шеф"),
        ("withdrawn", "Шеф"),
    ]
    assert len(caller.get("/hotlists/main/history").json()["states"]) == 3
    assert caller.get("/look-backs").json()["look_backs"][0]["version"] == live["version"]
    index = caller.get("/hotlists").json()
    assert [one["hotlist_id"] for one in index["hotlists"]] == ["main"]
    assert index["categories"][0]["priority"] == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"plate": "Ж"}, "Latin"),
        ({"plate": "A?"}, "too little"),
        ({"category": "rumour"}, "not in the set"),
        ({"legal_basis": ""}, "legal_basis"),
        ({"valid_until": "2099-01-01T00:00:00Z"}, "at most 1827 days"),
        ({"valid_until": "2026-01-01T00:00:00"}, "timezone"),
        ({"valid_until": None}, "valid_until"),
        ({"colour_of_eyes": "x"}, "colour_of_eyes"),
        ({"note": "a\x00b"}, "note"),
    ],
)
def test_an_entry_that_can_not_stand(caller: Caller, given: dict[str, Any], says: str) -> None:
    refused = caller.post("/hotlists/main/entries", **(ENTRY | given))
    assert refused.status_code == 422
    assert says in refused.json()["detail"]


def test_a_plate_of_no_known_format_is_taken_with_a_warning(caller: Caller) -> None:
    plates = ("123ABCO2", "12?ABC*")
    odd, plain = (caller.post("/hotlists/main/entries", **(ENTRY | {"plate": one})).json() for one in plates)
    assert (odd["state"], plain["warnings"]) == ("draft", [])
    assert odd["warnings"] == [{"field": "plate", "what": "no known format spells it", "mend": "check the characters"}]


def test_somebody_must_act_and_things_must_be_there(caller: Caller) -> None:
    nobody = caller.post("/hotlists/main/entries", {}, **ENTRY)
    assert (nobody.status_code, "by: empty" in nobody.json()["detail"]) == (422, True)
    for answer in (
        caller.post("/hotlists/other/entries", **ENTRY),
        caller.post("/entries/nothing/approve"),
        caller.post("/imports/9/approve"),
        caller.get("/imports/9/problems"),
        caller.get("/hotlists/other/entries"),
        caller.get("/hotlists/other/history"),
        caller.get("/entries/nothing/history"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown")
    twice = caller.post("/hotlists", hotlist_id="main", owner="police", purpose="again")
    assert twice.status_code == 409


def test_entries_come_page_by_page(caller: Caller) -> None:
    for number in range(5):
        caller.post("/hotlists/main/entries", **(ENTRY | {"plate": f"12{number}ABC02"}))
    plates: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = caller.get("/hotlists/main/entries", limit=2, **after).json()
        plates += [one["plate"] for one in page["entries"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert plates == [f"12{number}ABC02" for number in range(5)]


def test_an_import_is_looked_at_approved_and_taken_back(caller: Caller, database: Database) -> None:
    rows = [make_row(), RowError(3, "plate", "the plate is empty", "fill it in")]
    source = ImportSource("list.csv")
    staged = ImportBook(database).stage("main", rows, source, by="clerk", on_error=OnError.QUARANTINE)
    path = f"/imports/{staged.import_id}"
    assert caller.get(path).json()["added"] == 1
    assert caller.get(path + "/problems").json() == {
        "problems": [{"line": 3, "column": "plate", "what": "the plate is empty", "mend": "fill it in"}],
        "warnings": [],
    }
    assert caller.post(path + "/approve").json()["code"] == "same-person"
    assert caller.post(path + "/approve", CHIEF).json()["state"] == "approved"
    assert caller.post("/hotlists/main/restore").json()["code"] == "illegal-move"
    version = caller.get(path).json()["version"]
    back = caller.post("/hotlists/main/restore", version=version).json()
    assert (back["kind"], back["unchanged"]) == ("restore", 1)
    assert caller.post(f"/imports/{back['import_id']}/reject").json()["state"] == "rejected"
    listed = caller.get("/hotlists/main/imports").json()["imports"]
    assert [one["state"] for one in listed] == ["rejected", "approved"]
