"""The console in a real browser, on a real API, database and archive."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from simulation.road import Light
from simulation.traffic import Drive
from storage.archive import Archive
from storage.camera_health import HealthBook, HealthFigures, HealthReason, HealthRecord
from storage.cameras import Camera, CameraBook
from storage.clips import ClipBook
from storage.database import Database
from storage.hotlists.import_records import ImportSource
from storage.hotlists.imports import ImportBook
from storage.hotlists.rows import EntryRow
from storage.s3_access import S3Access
from storage.sealing import Seal
from tests.api.serving import serving
from tests.fixtures.browser import NEEDS_BROWSER, PATIENCE_MS, wait_for
from tests.fixtures.drawn_alerts import AlertMaker, DrawnPass, draw_pass, uncertain

pytestmark = NEEDS_BROWSER


@pytest.fixture
def maker(database: Database, s3_access: S3Access) -> Iterator[AlertMaker]:
    with Archive(s3_access) as archive:
        CameraBook(database, Seal("key")).put(
            [
                Camera("cam-1", "Abay / Baitursynov", "file:///none", "Almaty, Bostandyk"),
                Camera("cam-2", "Ring road, km 14", "file:///none", "Almaty, Nauryzbay"),
                Camera("cam-3", "Airport gate", "file:///none", "Almaty, Turksib"),
                Camera("cam-4", "River bridge", "file:///none", "Almaty, Medeu"),
            ]
        )
        yield AlertMaker(database, archive)


@pytest.fixture
def api(dsn: str, s3_access: S3Access) -> Iterator[str]:
    with serving(dsn, s3_access) as address:
        yield address


def test_an_alert_comes_without_a_reload_and_its_clip_plays(
    api: str, page: Page, maker: AlertMaker, drawn_pass: DrawnPass
) -> None:
    page.goto(api)
    expect(page.get_by_text("No alerts yet")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".connection")).to_have_text("Live", timeout=PATIENCE_MS)
    page.evaluate("window.notReloaded = true")

    maker.raise_alert(drawn_pass)
    card = page.locator(".card")
    expect(card).to_have_count(1, timeout=PATIENCE_MS)
    expect(card.get_by_role("img", name=drawn_pass.plate)).to_be_visible()
    detail = page.locator(".detail")
    expect(detail.locator(".kind")).to_have_text("= Exact")
    expect(detail.locator(".detail-score")).to_contain_text("98")
    expect(detail.locator(".detail-where")).to_have_text("Abay / Baitursynov · Almaty, Bostandyk")
    expect(detail.locator(".reading-read td")).to_have_text(list(drawn_pass.plate))
    expect(detail.get_by_text("The clip is being cut")).to_be_visible()
    expect(page).to_have_title("(1) Alerts · beket")

    maker.bring_clip(drawn_pass)
    wait_for(page, "document.querySelector('video')?.readyState >= 3")
    wait_for(page, "document.querySelector('video').currentTime > 0.5")
    assert page.evaluate("document.querySelector('video').videoWidth") > 0
    for picture in (".frame img", ".crop img"):
        wait_for(page, f"document.querySelector('{picture}')?.naturalWidth > 0")
    assert page.evaluate("window.notReloaded") is True
    expect(page).to_have_title("Alerts · beket", timeout=PATIENCE_MS)  # looked at for a while: no longer new


def test_a_probable_alert_shows_what_differs(api: str, page: Page, maker: AlertMaker, drawn_pass: DrawnPass) -> None:
    read = drawn_pass.plate.replace("7", "1")
    maker.raise_alert(
        drawn_pass, text=read, posterior=uncertain(read, {2: ("7", 0.4)}), score=0.71, category="hit_and_run"
    )
    page.goto(api)
    detail = page.locator(".detail")
    expect(detail.locator(".kind")).to_have_text("≈ Probable", timeout=PATIENCE_MS)
    expect(detail.locator(".reading-read td.differs")).to_have_text(["1"])
    expect(detail.locator(".reading-entry td.differs")).to_have_text(["7"])
    expect(detail.get_by_text("1 character differs")).to_be_visible()
    expect(detail.locator(".detail-category")).to_have_text("Hit and run")


def test_languages_are_switched_and_remembered(api: str, page: Page, maker: AlertMaker, drawn_pass: DrawnPass) -> None:
    maker.raise_alert(drawn_pass)
    page.goto(api)
    expect(page.locator(".detail-category")).to_have_text("Stolen vehicle", timeout=PATIENCE_MS)
    page.get_by_role("button", name="ҚАЗ").click()
    expect(page.locator(".detail-category")).to_have_text("Ұрланған көлік")
    assert page.evaluate("document.documentElement.lang") == "kk"
    seen = page.locator(".about dd").first.inner_text()
    assert not re.search(r"\bM\d", seen), seen  # Chromium's own Kazakh has no names of months
    page.get_by_role("button", name="РУС").click()
    expect(page.locator(".detail-category")).to_have_text("Угон")
    page.reload()
    expect(page.locator(".detail-category")).to_have_text("Угон", timeout=PATIENCE_MS)
    expect(page.locator(".wall-clock")).to_contain_text("GMT+5")


def test_keys_move_through_the_alerts(api: str, page: Page, maker: AlertMaker, drawn_pass: DrawnPass) -> None:
    for n in range(3):
        maker.raise_alert(replace(drawn_pass, plate=f"00{n}ABC02"), pass_id=f"p{n}", text=f"00{n}ABC02")
    page.goto(api)
    chosen = page.locator('.card button[aria-current="true"] .plate')
    expect(chosen).to_have_attribute("aria-label", "002ABC02", timeout=PATIENCE_MS)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(chosen).to_have_attribute("aria-label", "000ABC02")
    page.keyboard.press("k")
    expect(chosen).to_have_attribute("aria-label", "001ABC02")
    # chosen by hand, it stays while a new one comes
    maker.raise_alert(replace(drawn_pass, plate="777ABC02"), pass_id="p7", text="777ABC02")
    expect(page.locator(".card")).to_have_count(4, timeout=PATIENCE_MS)
    expect(chosen).to_have_attribute("aria-label", "001ABC02")
    page.keyboard.press("g")
    expect(chosen).to_have_attribute("aria-label", "777ABC02")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_cut_connection_is_told_and_made_up_for(
    dsn: str, s3_access: S3Access, page: Page, maker: AlertMaker, drawn_pass: DrawnPass
) -> None:
    with serving(dsn, s3_access) as api:
        page.goto(api)
        expect(page.locator(".connection")).to_have_text("Live", timeout=PATIENCE_MS)
    expect(page.locator(".connection")).to_contain_text("No connection since", timeout=PATIENCE_MS)
    maker.raise_alert(drawn_pass)
    with serving(dsn, s3_access, BEKET_API_PORT=int(api.rsplit(":", 1)[1])):
        expect(page.locator(".card")).to_have_count(1, timeout=PATIENCE_MS)
        expect(page.locator(".connection")).to_have_text("Live", timeout=PATIENCE_MS)


def test_what_the_browser_cannot_play_can_be_downloaded(
    api: str, page: Page, maker: AlertMaker, drawn_pass: DrawnPass
) -> None:
    maker.raise_alert(drawn_pass)
    maker.bring_clip(drawn_pass, codec="hevc", mime='video/mp4; codecs="hvc1.1.6.L93.B0.none"')
    page.goto(api)
    expect(page.get_by_text("This browser can't play HEVC (H.265).")).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the clip").click()
    assert Path(download.value.path()).stat().st_size == drawn_pass.clip.stat().st_size


def test_a_lost_clip_says_why(
    api: str, page: Page, maker: AlertMaker, drawn_pass: DrawnPass, database: Database
) -> None:
    maker.raise_alert(drawn_pass, with_pictures=False)
    ClipBook(database).mark_lost("cam-1", "p1", "the camera fell silent")
    page.goto(api)
    expect(page.get_by_text("the camera fell silent")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".frame").get_by_text("The picture is lost")).to_be_visible()


def test_cameras_change_before_the_eye(api: str, page: Page, maker: AlertMaker, database: Database) -> None:
    page.goto(api)
    expect(page.locator(".cameras-count")).to_contain_text("0/4", timeout=PATIENCE_MS)
    book = CameraBook(database, Seal("key"))
    soon = datetime.now(UTC) + timedelta(seconds=5)
    for camera_id in ("cam-1", "cam-2", "cam-3"):
        book.set_state(camera_id, "live", None, soon)
    book.set_state("cam-4", "backing_off", "login_failed", soon)
    expect(page.locator(".cameras-count")).to_contain_text("3/4", timeout=PATIENCE_MS)
    page.locator(".cameras-strip").click()
    row = page.locator(".cameras-table tbody tr").first
    expect(row).to_contain_text("River bridge")
    expect(row).to_contain_text("wrong login or password")


def test_a_cameras_health_and_its_reasons_in_each_language(
    api: str, page: Page, maker: AlertMaker, database: Database
) -> None:
    page.goto(api)
    page.locator(".cameras-strip").click()
    row = page.locator(".cameras-table tbody tr").filter(has_text="cam-2")
    expect(row.locator(".score-unknown")).to_be_visible()
    now = datetime.now(UTC)
    blurred = HealthReason("blurred", 0.8, 48, 0.3, 0.5, "share", "", "focus the lens", now.isoformat())
    slow = HealthReason("fps_low", 0.5, 12, 8.0, 12.0, "fps", "", "raise it", now.isoformat())
    HealthBook(database).record([HealthRecord("cam-2", now, (blurred, slow), frozenset(), HealthFigures())])
    expect(row.locator(".score-bad")).to_have_text("40")
    expect(row).to_contain_text("out of focus −48")
    expect(row).to_contain_text("30% (required: 50%)")
    expect(row).to_contain_text("8 fps (required: 12 fps)")
    page.get_by_role("button", name="ҚАЗ").click()
    expect(row).to_contain_text("фокус дұрыс емес")
    page.get_by_role("button", name="РУС").click()
    expect(row).to_contain_text("8 кадр/с (требуется: 12 кадр/с)")
    page.reload()
    page.locator(".cameras-strip").click()
    expect(row).to_contain_text("не в фокусе")


def test_without_a_database_the_page_says_so(s3_access: S3Access, page: Page) -> None:
    with serving("postgresql://beket:secret@127.0.0.1:1/none", s3_access) as api:
        page.goto(api)
        expect(page.get_by_role("alert")).to_contain_text("The alerts can't be loaded", timeout=PATIENCE_MS)
        expect(page.get_by_role("alert")).to_contain_text("the database does not answer")


@pytest.mark.skipif("BEKET_SCREENSHOT" not in os.environ, reason="BEKET_SCREENSHOT=docs/console.png makes the picture")
@pytest.mark.timeout(900)
def test_screenshot(api: str, page: Page, maker: AlertMaker, database: Database, tmp_path: Path) -> None:
    """The README's picture: drawn vehicles, on the demo's roads."""
    book = CameraBook(database, Seal("key"))
    now = datetime.now(UTC) + timedelta(seconds=5)
    for camera_id in ("cam-1", "cam-2", "cam-3"):
        book.set_state(camera_id, "live", None, now)
    book.set_state("cam-4", "backing_off", "timed_out", now)
    end = datetime.now(UTC) + timedelta(days=45)
    notes = {
        "330TWX10": ("wanted_person", "Stop with care: the driver may be armed", "Search order 1184/2026"),
        "417KTA02": ("stolen", "Silver car, dent in the left door", "Case 2026-0417"),
    }
    ImportBook(database).bring(
        "city",
        [
            EntryRow(f"entry-{plate}", plate, category, basis, "duty", end - timedelta(days=60), end, note)
            for plate, (category, note, basis) in notes.items()
        ],
        by="duty",
        approved_by="chief",
        source=ImportSource("rows", hotlist_name="Search list of the city"),
    )
    drives = [
        (Drive("562RZH02", "kz2012", "car", "red", 0, 0.0, 45), Light.DAY, "cam-1", "uninsured"),
        (Drive("871SVA09", "kz2012", "car", "grey", 0, 0.0, 45), Light.NIGHT, "cam-4", "stolen_plates"),
        (Drive("739LEO06", "kz2012-square", "suv", "black", 0, 0.0, 45), Light.DAY, "cam-2", "missing_person"),
        (Drive("608ZY01", "kz2012-legal", "van", "silver", 0, 0.0, 45), Light.DUSK, "cam-3", "hit_and_run"),
        (Drive("417KTA02", "kz2012", "car", "silver", 0, 0.0, 45), Light.DAY, "cam-1", "stolen"),
        (Drive("330TWX10", "kz2012", "car", "blue", 0, 0.0, 45), Light.DUSK, "cam-3", "wanted_person"),
    ]
    for n, (drive, light, camera_id, category) in enumerate(drives):
        drawn = draw_pass(tmp_path, drive, light, seed=n + 1)
        is_last = n == len(drives) - 1
        read = drive.text.replace("0", "O", 1) if is_last else drive.text
        maker.raise_alert(
            drawn,
            camera_id=camera_id,
            pass_id=f"p{n}",
            category=category,
            text=read,
            posterior=uncertain(read, {2: ("0", 0.38), 5: ("Y", 0.07)} if is_last else {}),
            lines=2 if drive.design == "kz2012-square" else 1,
            score=0.87 if is_last else 0.98,
            seen_at=datetime.now(UTC) - timedelta(seconds=1),
        )
        maker.bring_clip(drawn, camera_id=camera_id, pass_id=f"p{n}")
    page.goto(api)
    wait_for(page, "document.querySelector('video')?.currentTime > 2")
    page.evaluate("document.querySelector('video').pause()")
    time.sleep(6)  # the newest is no longer new, pictures have come
    page.screenshot(path=os.environ["BEKET_SCREENSHOT"])
