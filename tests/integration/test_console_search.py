"""The console's search page in a real browser: asked with a reason, found, drawn, exported, logged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import FilePayload, Page, expect

from actors.networks import ModelChoice
from storage.alerts import PictureKind
from storage.audit import AuditLog
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.hits import HitBook
from storage.reads import ReadLog
from storage.s3_access import S3Access
from storage.sealing import Seal
from tests.api.serving import serving
from tests.fixtures.browser import NEEDS_BROWSER, wait_for
from tests.fixtures.photos import as_file, drawn
from tests.fixtures.records import make_match
from tests.fixtures.traffic import passed

pytestmark = NEEDS_BROWSER

CAMERAS = (
    Camera("raiymbek", "Raiymbek / Seifullin", "file:///none", "Almaty, Zhetysu", 43.2665, 76.9355),
    Camera("abay", "Abay / Baitursynov", "file:///none", "Almaty, Bostandyk", 43.2395, 76.9250),
    Camera("dostyk", "Dostyk / Satpaev", "file:///none", "Almaty, Medeu", 43.2375, 76.9570),
    Camera("airport", "Airport gate", "file:///none", "Almaty, Turksib", 43.3470, 77.0110),
    Camera("ring", "Ring road, km 14", "file:///none", "Almaty, Nauryzbay", 43.1980, 76.8210),
    Camera("alatau", "Momyshuly / Raiymbek", "file:///none", "Almaty, Alatau", 43.2440, 76.8330),
)
SIGHTINGS = (("ring", 95), ("alatau", 84), ("abay", 61), ("raiymbek", 48), ("airport", 3))


@pytest.fixture
def api(dsn: str, s3_access: S3Access, database: Database, photo_choice: ModelChoice) -> Iterator[str]:
    """Almaty, crossed by a listed vehicle and by others in the last hours."""
    CameraBook(database, Seal("key")).put(list(CAMERAS))
    now = datetime.now(UTC).replace(microsecond=0)
    listed = [
        replace(
            passed("475KMT16", minutes, camera, kind="car", colour="white"), seen_at=now - timedelta(minutes=minutes)
        )
        for camera, minutes in SIGHTINGS
    ]
    others = [
        replace(
            passed(f"{n:03}ABC02", n, CAMERAS[n % 6].camera_id, kind="truck" if n % 5 == 0 else "car", colour="blue"),
            seen_at=now - timedelta(minutes=2 * n),
        )
        for n in range(1, 46)
    ]
    ReadLog(database).write([*listed, *others])
    picture = as_file(cv2.resize(drawn()[260:660, 640:1160], (520, 400)))
    for read in listed[2:]:
        HitBook(database).record(
            read, make_match("e1", "475KMT16"), same_alert_within_s=0, pictures={PictureKind.VEHICLE: picture}
        )
    with serving(dsn, s3_access, BEKET_API_MODELS=photo_choice) as address:
        yield address


def open_search(page: Page, api: str) -> None:
    page.goto(api)
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    page.keyboard.press("s")
    for label, value in (("Your name", "A. Serik"), ("Case number", "KZ-117"), ("Reason", "hit and run")):
        page.get_by_label(label).fill(value)


def test_a_plate_is_found_its_route_drawn_and_all_of_it_logged(
    api: str, page: Page, database: Database, tmp_path: Path
) -> None:
    open_search(page, api)
    expect(page).to_have_title("Search · beket")
    page.get_by_label("Plate", exact=False).first.fill("475 кмт 16")
    page.get_by_role("button", name="Search", exact=True).last.click()
    cards = page.locator(".found")
    expect(cards).to_have_count(5)
    expect(cards.first.get_by_role("img", name="475KMT16").first).to_be_visible()
    expect(cards.first).to_contain_text("Airport gate")
    wait_for(page, "document.querySelector('img.found-picture')?.naturalWidth > 0")
    expect(cards.last).to_contain_text("no picture is kept")
    cards.last.get_by_role("button", name="Route").click()
    expect(page.locator(".route-told")).to_contain_text("5 sightings")
    expect(page.locator(".map-route > path")).to_have_count(4)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").count("475KMT16") == 5
    logged = [(one.record["action"], one.record["actor"], one.record["case"]) for one in AuditLog(database).records()]
    assert [one for one in logged if one[0] != "picture"] == [
        (action, "A. Serik", "KZ-117") for action in ("search", "route", "export")
    ]
    assert ("picture", "A. Serik", "KZ-117") in logged
    shot(page)


def test_area_type_and_colour_narrow_it_and_pages_follow(api: str, page: Page, database: Database) -> None:
    open_search(page, api)
    ask = page.get_by_role("button", name="Search", exact=True).last
    ask.click()
    cards = page.locator(".found")
    expect(cards).to_have_count(30)
    page.get_by_role("button", name="More").click()
    expect(cards).to_have_count(50)
    page.get_by_role("button", name="truck").click()
    page.get_by_role("button", name="Abay / Baitursynov", exact=True).click()
    ask.click()
    expect(cards).to_have_count(1)
    page.get_by_role("button", name="Abay / Baitursynov", exact=True).click()
    page.get_by_role("button", name="truck").click()
    page.get_by_role("button", name="Draw an area").click()
    svg = page.locator(".map svg")
    box = svg.bounding_box()
    assert box is not None
    gate = page.locator(".map-camera", has_text="Airport gate").locator("circle").bounding_box()
    assert gate is not None
    x, y = gate["x"] + gate["width"] / 2 - box["x"], gate["y"] + gate["height"] / 2 - box["y"]
    for dx, dy in ((-40, -30), (40, -30), (40, 40), (-40, 40), (-40, -30)):
        svg.click(position={"x": x + dx, "y": y + dy})
    expect(page.locator(".map-area")).to_have_count(1)
    ask.click()
    expect(page.locator(".found", has_text="Airport gate").first).to_be_visible()
    expect(page.locator(".found", has_text="Ring road")).to_have_count(0)
    last = [one.record for one in AuditLog(database).records() if one.record["action"] == "search"][-1]["details"][
        "query"
    ]
    assert (last["vehicle_types"], len(last["place"]["area"][0][0])) == ([], 5)


def test_a_photo_is_dropped_and_its_vehicle_found(api: str, page: Page) -> None:
    open_search(page, api)
    photo = FilePayload(name="car.jpg", mimeType="image/jpeg", buffer=as_file(drawn()))
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="Search", exact=True).last.click()
    cards = page.locator(".found")
    expect(cards).to_have_count(5)
    expect(cards.first.locator(".why")).to_contain_text("plate")
    bad = FilePayload(name="car.jpg", mimeType="image/jpeg", buffer=b"no picture")
    page.locator("input[type=file]").set_input_files(bad)
    page.get_by_role("button", name="Search", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("is not a JPEG")


def test_without_a_reason_nothing_is_asked_and_each_language_has_its_words(
    api: str, page: Page, database: Database
) -> None:
    page.goto(f"{api}/#search")
    page.get_by_role("button", name="Search", exact=True).last.click()
    expect(page.locator(".found")).to_have_count(0)
    assert list(AuditLog(database).records()) == []
    for name, words in (("ҚАЗ", "Іс нөмірі"), ("РУС", "Номер дела")):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_label(words)).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("main.search")).to_be_hidden()


def shot(page: Page) -> None:
    """A picture for the docs, where one is asked for."""
    if folder := os.environ.get("BEKET_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / "search.png"))
