"""``beket hotlist``: an entry and a file through two people's hands, on a real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cluster.commands.hotlist import app
from cluster.errors import SettingsError
from storage.hotlists.errors import IllegalMove, SamePerson

UNTIL = f"{datetime.now(UTC) + timedelta(days=9):%F}"
HEADER = "plate,category,legal_basis,owner,valid_until\n"


class Command:
    """The command on one database, as one call after another."""

    def __init__(self, config: Path) -> None:
        self._config = config

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--config", str(self._config)])

    def rows(self, *arguments: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in self(*arguments, "--json").stdout.splitlines()]


@pytest.fixture
def beket(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("BEKET_TEST_DSN", dsn)
    config = tmp_path / "region.yaml"
    config.write_text(
        f"home: {tmp_path}/home\npostgres: {{embedded: false, dsn_env: BEKET_TEST_DSN}}\n"
        "hotlists:\n  - id: city\n    owner: police\n    mapping:\n"
        "      columns: {plate: ГРНЗ ТС}\n      categories: {угон: stolen}\n"
    )
    return Command(config)


def test_an_entry_through_its_life(beket: Command) -> None:
    beket("make", "main", "--as", "clerk", "--owner", "police", "--purpose", "stolen vehicles")
    given = ("--category", "stolen", "--legal-basis", "K-1", "--authority", "police", "--owner", "duty")
    added = beket("add", "main", "123 авс-02", *given, "--until", UNTIL, "--as", "clerk", "--risk", "armed")
    entry_id = added.stdout.strip()
    assert (added.exit_code, added.stderr) == (0, "")
    assert "123" not in entry_id[:3] or "ABC" not in entry_id
    odd = beket("add", "main", "123ABCO2", *given, "--until", UNTIL, "--as", "clerk")
    assert (odd.exit_code, odd.stderr) == (0, "warning: plate: no known format spells it; check the characters\n")
    assert isinstance(beket("approve", entry_id, "--as", "clerk").exception, SamePerson)
    assert "is live" in beket("approve", entry_id, "--as", "chief").stderr
    (listed,) = beket.rows("list", "main", "--state", "live")
    assert (listed["plate"], listed["risk"], listed["approved_by"]) == ("123ABC02", "armed", "chief")
    assert beket.rows("show", entry_id) == [listed]
    assert "suspended" in beket("suspend", "main", "--as", "chief", "--because", "wrong").stderr
    assert beket.rows("list")[0]["live"] == 0
    beket("resume", "main", "--as", "chief")
    beket("withdraw", entry_id, "--as", "chief", "--because", "found")
    assert [row["state"] for row in beket.rows("history", entry_id)] == ["draft", "live", "withdrawn"]
    assert [row["suspended"] for row in beket.rows("history", "main")] == [False, True, False]
    for shown in (("list",), ("list", "main"), ("show", entry_id), ("history", entry_id), ("history", "main")):
        assert beket(*shown).exit_code == 0


def test_a_file_is_staged_approved_and_taken_back(beket: Command, tmp_path: Path) -> None:
    file, report = tmp_path / "list.csv", tmp_path / "report.csv"
    file.write_text(
        HEADER + f"123ABC02,stolen,K-1,me,{UNTIL}\n??,stolen,K-2,me,{UNTIL}\n123ABCO2,stolen,K-3,me,{UNTIL}\n"
    )
    staged = ("import", str(file), "--list", "main", "--as", "clerk", "--authority", "police")

    def approve_last() -> str:
        number = str(beket.rows("imports", "main")[0]["import_id"])
        assert beket("approve", number, "--as", "chief").exit_code == 0
        return number

    refused = beket(*staged)
    assert (refused.exit_code, "nothing was imported" in refused.stderr) == (1, True)
    assert beket.rows("list") == []
    done = beket(*staged, "--on-error", "quarantine", "--report", str(report), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["import"]["added"], told["problems"][0]["line"]) == (1, 2, 3)
    _, bad, odd = report.read_text(encoding="utf-8-sig").splitlines()
    assert (bad.startswith("3,plate,"), odd) == (True, "4,plate,no known format spells it,check the characters,yes")
    number = str(told["import"]["import_id"])
    assert beket.rows("problems", number) == told["problems"]
    assert beket.rows("problems", number, "--warnings") == told["warnings"]
    assert isinstance(beket("approve", number, "--as", "clerk").exception, SamePerson)
    assert "2 added" in beket("approve", number, "--as", "chief").stderr
    file.write_text(HEADER + f"777AAA01,stolen,K-1,me,{UNTIL}\n")
    assert beket(*staged, "--full").exit_code == 0
    approve_last()
    assert "2 to change" in beket("restore", "main", "--as", "clerk").stderr
    assert isinstance(beket("reject", "9", "--as", "chief").exception, LookupError)
    last = approve_last()
    assert [row["plate"] for row in beket.rows("list", "main", "--state", "live")] == ["123ABC02", "123ABCO2"]
    assert [row["state"] for row in beket.rows("imports", "main")] == ["approved"] * 3
    assert beket("imports").exit_code == 0
    assert isinstance(beket("reject", last, "--as", "chief").exception, IllegalMove)


def test_a_mapping_of_the_configuration_is_used(beket: Command, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    text = f"ГРНЗ ТС;категория;основание;орган;ответственный;действует до\nА123ВС;Угон;К-1;полиция;я;{UNTIL}\n"
    file.write_bytes(text.encode("cp1251"))
    done = beket("import", str(file), "--list", "city", "--as", "clerk")
    assert (done.exit_code, "1 plates had Cyrillic letters" in done.stderr) == (0, True)
    beket("approve", "1", "--as", "chief")
    (row,) = beket.rows("list", "city")
    assert (row["plate"], row["category"], row["authority"]) == ("A123BC", "stolen", "полиция")


def test_what_can_not_be_read_is_said(beket: Command, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    missing = beket("import", str(file), "--list", "main", "--as", "clerk")
    assert isinstance(missing.exception, SettingsError)
    file.write_text("name\nx\n")
    assert "plate" in str(beket("import", str(file), "--list", "main", "--as", "clerk").exception)
    assert beket("import", str(file), "--list", "main").exit_code == 2  # nobody acts
    assert beket("list", "--state", "lively").exit_code == 2
