"""``beket search`` and ``beket audit``: found, exported, logged."""

from __future__ import annotations

import json
from pathlib import Path

from actors.networks import ModelChoice
from cluster.home import Home
from storage.audit import AuditLog
from storage.database import Database
from tests.fixtures.command import Beket
from tests.fixtures.photos import as_file, drawn
from tests.fixtures.records import NOON
from tests.fixtures.traffic import passed, put_cameras, put_reads

WHY = ("--as", "a.serik", "--reason", "hit and run", "--case", "KZ-117")


def test_search_export_and_the_log_of_both(database: Database, dsn: str, tmp_path: Path, beket: Beket) -> None:
    put_cameras(database)
    put_reads(database, [passed("123ABC02", 1), passed("123ABC02", 2, "far"), passed("777XYZ01", 3)])
    home = Home(tmp_path / "home").make()
    home.running.write_text(json.dumps({"dsn": dsn}))
    found = beket("search", "123*", "--road", "abai", "--json", *WHY)
    assert [json.loads(line)["pass_id"] for line in found.stdout.splitlines()] == ["abai-1@1"], found.stderr
    written = beket("search", "123ABC02", "--export", "out.csv", *WHY)
    assert "out.csv: 2 lines" in written.stderr
    assert "far@2" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    drawn = beket("search", "123ABC02", "--route", "way.geojson", *WHY)
    assert "way.geojson: 2 sightings, 967.2 km" in drawn.stderr
    assert "driven 1 of its legs" in drawn.stderr
    (line, *points) = json.loads((tmp_path / "way.geojson").read_text())["features"]
    assert (line["geometry"]["type"], len(points)) == ("LineString", 2)
    many = beket("search", "123*", "--route", "way.geojson", *WHY)
    assert many.returncode == 2
    refused = beket("search", "123ABC02", "--as", "me", "--reason", "", "--case", "1")
    assert refused.returncode == 2
    assert "reason" in refused.stderr
    logged = [str(record.record["action"]) for record in AuditLog(database).records()]
    assert list(dict.fromkeys(logged)) == ["search", "export", "route"]  # on a busy machine a search has pages
    whole = beket("audit", "verify")
    assert f"{len(logged)} rows, every link holds" in whole.stdout
    told = beket("audit", "export", *WHY)
    actions = [json.loads(line)["action"] for line in told.stdout.splitlines()]
    assert actions == [*logged, "audit.export"]
    with database.transaction() as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_kept")
        connection.execute("UPDATE audit SET record = replace(record, 'hit and run', 'x') WHERE number = 2")
    broken = beket("audit", "verify")
    assert broken.returncode == 1
    assert "broken at row 2" in broken.stderr
    assert NOON.isoformat()[:10] in found.stdout


def test_search_by_a_photo(
    database: Database, dsn: str, tmp_path: Path, photo_choice: ModelChoice, beket: Beket
) -> None:
    put_reads(database, [passed("475KMT16", 1), passed("777XYZ01", 3)])
    home = Home(tmp_path / "home").make()
    home.running.write_text(json.dumps({"dsn": dsn}))
    (tmp_path / "car.jpg").write_bytes(as_file(drawn()))
    bare = beket("search", "--photo", "car.jpg", *WHY)
    assert bare.returncode == 1
    assert "beket models pull" in bare.stderr
    home.models.symlink_to(photo_choice.folder)
    found = beket("search", "--photo", "car.jpg", "--json", *WHY)
    assert "* vehicle 0: 475KMT16 " in found.stderr
    (one,) = map(json.loads, found.stdout.splitlines())
    assert (one["pass_id"], one["why"]["appearance"]) == ("abai-1@1", None)
    (tmp_path / "car.jpg").write_bytes(b"no picture")
    refused = beket("search", "--photo", "car.jpg", *WHY)
    assert refused.returncode == 2
    assert "is not a JPEG" in " ".join(refused.stderr.split())
    records = AuditLog(database).records()  # on a busy machine a search has pages
    assert {len(record.record["details"]["query"]["photo"]["sha256"]) for record in records} == {64}
