"""Files of every format become entries, or say row by row why not."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from xml.sax.saxutils import escape

import pytest

from index.hotlist_mapping import HotlistMapping, MappingError
from index.hotlist_table import HotlistFileError, RowError
from storage.database import Database
from storage.hotlists.categories import Category
from storage.hotlists.files import EntryReader, FileRules
from storage.hotlists.rows import EntryRow, VehicleDescription
from storage.hotlists.tables import open_table

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CATEGORIES = {"stolen": Category("stolen", 2, "#000000", 400), "old": Category("old", 9, "#000000", 9, retired=True)}
RULES = FileRules(CATEGORIES)
HEADER = "plate,category,legal_basis,authority,owner,valid_until,note\n"


def read(data: str | bytes, rules: FileRules = RULES, name: str = "list.csv") -> tuple[list[EntryRow], list[RowError]]:
    found = list(EntryReader(name, data.encode() if isinstance(data, str) else data, rules, now=NOW))
    return (
        [row for row in found if isinstance(row, EntryRow)],
        [row for row in found if isinstance(row, RowError)],
    )


def workbook(*sheets: list[list[object]]) -> bytes:
    """A minimal XLSX with inline strings, as other programs write it."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        names = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1))
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'spreadsheetml.sheet.main+xml"/></Types>',
        )
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r0" Type="{relation}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets>{names}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}">'
            + "".join(
                f'<Relationship Id="r{n}" Type="{relation}/worksheet" Target="worksheets/s{n}.xml"/>'
                for n in range(1, len(sheets) + 1)
            )
            + "</Relationships>",
        )
        for n, rows in enumerate(sheets, 1):
            body = "".join(
                f'<row r="{r}">' + "".join(_cell(f"{chr(64 + c)}{r}", v) for c, v in enumerate(row, 1)) + "</row>"
                for r, row in enumerate(rows, 1)
            )
            sheet = f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/s{n}.xml", sheet)
    return out.getvalue()


def _cell(place: str, value: object) -> str:
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def test_a_file_is_read_with_its_problems() -> None:
    rows, problems = read(
        HEADER + "123 ABC-02,stolen,order 1,court,police,2027-01-01,\n"
        "А123ВС,stolen,order 1,court,police,2027-01-01,Cyrillic\n"  # letters of the other alphabet
        "777AAA01,stolen,,court,police,2027-01-01,\n"
        "777AAA02,stolen,order 1,court,police,,\n"
        "777AAA03,stolen,order 1,court,police,2001-01-01,\n"
        "12Ж,stolen,order 1,court,police,2027-01-01,\n"
        "777AAA04,rumour,order 1,court,police,2027-01-01,\n"
        "777AAA05,old,order 1,court,police,2027-01-01,\n"
        "777AAA06,stolen,order 1,court,police,2029-01-01,\n"
        "777AAA07,stolen,order 1,,police,2027-01-01,\n"
        "1?3*02,stolen,order 1,court,police,2027-01-01,\n"
    )
    assert [row.plate for row in rows] == ["123ABC02", "A123BC", "1?3*02"]
    assert rows[0].valid_until == datetime(2027, 1, 2, tzinfo=UTC)
    assert [(problem.line, problem.column) for problem in problems] == [
        (4, "legal_basis"),
        (5, "valid_until"),
        (6, "valid_until"),
        (7, "plate"),
        (8, "category"),
        (9, "category"),
        (10, "valid_until"),
        (11, "authority"),
    ]
    assert all(problem.mend for problem in problems)


def test_plates_of_no_known_format_are_taken_and_told() -> None:
    plates = ("123ABC02", "123ABCO2", "A123BC", "X777YX77", "12OABC02", "12?ABC02")
    data = HEADER + "".join(f"{plate},stolen,K-1,police,me,2026-12-01,\n" for plate in plates)
    reader = EntryReader("list.csv", data.encode(), RULES, now=NOW)
    assert [row.plate for row in reader if isinstance(row, EntryRow)] == [*plates]
    remarks = reader.remarks
    assert remarks.doubtful == 2
    assert [(warning.line, warning.column, warning.mend) for warning in remarks.warnings] == [
        (3, "plate", "check the characters"),
        (6, "plate", "check the characters"),
    ]


def test_folded_plates_are_counted() -> None:
    reader = EntryReader(
        "x", (HEADER + "А123ВС,stolen,o,c,p,2027-01-01,\n123ABC02,stolen,o,c,p,2027-01-01,\n").encode(), RULES
    )
    assert (len(list(reader)), reader.remarks.folded, reader.line, reader.lines) == (2, 1, 3, 3)


def test_a_mapping_gives_columns_constants_categories_dates_and_the_zone() -> None:
    mapping = HotlistMapping(
        columns={"plate": "Рег. знак", "valid_until": "Срок", "note": "Сведения"},
        constants={"authority": "МВД", "owner": "duty", "category": "угон"},
        categories={"угон": "stolen"},
        date_formats=("%d %m %y",),
        zone=timezone(timedelta(hours=5)),
    )
    text = "Рег.знак;Документ;Срок;Сведения;Примечание\n123ABC02;К-7;31 12 26;серый;мимо\n"
    (row,), problems = read(text, FileRules(CATEGORIES, mapping))
    assert problems == []
    assert (row.plate, row.category, row.authority, row.legal_basis, row.note) == (
        "123ABC02",
        "stolen",
        "МВД",
        "К-7",
        "серый",
    )
    assert row.valid_until == datetime(2026, 12, 31, 19, tzinfo=UTC)
    with pytest.raises(HotlistFileError, match="names a column 'Срок'"):
        read("Рег. знак\n123ABC02\n", FileRules(CATEGORIES, mapping))
    with pytest.raises(MappingError, match="colour_of_eyes"):
        HotlistMapping(columns={"colour_of_eyes": "x"})
    with pytest.raises(HotlistFileError, match="cp866"):
        read("Рег. знак\n\ufeff\n".encode(), FileRules(CATEGORIES, HotlistMapping(encoding="ascii-cp866")))


def test_every_field_of_a_file() -> None:
    text = (
        "plate,category,document,issued by,owner,valid until,region,make,color,type,instructions,risk,operation\n"
        '123ABC02,stolen,K-1,court,duty,2027-01-01,"almaty, astana",Lada,red,car,stop,armed,add\n'
        "777AAA01,stolen,,,,,,,,,,,Снять\n888AAA08,stolen,K-1,court,duty,2027-01-01,,,,,,,explode\n"
    )
    (put, gone), (problem,) = read(text)
    assert (put.regions, put.instructions, put.risk) == (("almaty", "astana"), "stop", "armed")
    assert (put.vehicle, put.withdraw) == (VehicleDescription("Lada", "red", "car"), False)
    assert (gone.plate, gone.withdraw) == ("777AAA01", True)
    assert problem.column == "operation"


def test_ids_are_the_same_each_time_differ_between_lists_and_tell_no_plate() -> None:
    text = HEADER + "123ABC02,stolen,order 1,court,police,2027-01-01,\n"
    ids = [read(text, FileRules(CATEGORIES, id_prefix=prefix))[0][0].entry_id for prefix in "aab"]
    assert ids[0] == ids[1] != ids[2]
    assert "123ABC02" not in ids[0]
    (told, kept), _ = read(
        "id," + HEADER + "KZ-123 abc-02,123ABC02,stolen,o,c,p,2027-01-01,\nKUI-7,777AAA01,stolen,o,c,p,2027-01-01,\n"
    )
    assert ("123" in told.entry_id[:8], kept.entry_id) == (False, "KUI-7")


def test_a_workbook_reads_like_a_table() -> None:
    header: list[object] = ["ГРНЗ", "category", "document", "authority", "owner", "valid until"]
    rows: list[list[object]] = [
        header,
        ["123ABC02", "stolen", 17, "court", "duty", "31.12.2026"],
        [],
        [1234567, "stolen", "K-1", "court", "duty", "2027-01-01"],
        ["Ж", "stolen", "K-1", "court", "duty", "2027-01-01"],
    ]
    found, (problem,) = read(workbook([["nothing here"]], rows), name="list.xlsx")
    assert [(row.plate, row.legal_basis) for row in found] == [("123ABC02", "17"), ("1234567", "K-1")]
    assert (problem.line, problem.column) == (5, "plate")


def test_json_reads_like_a_table() -> None:
    first = {"plate": "123ABC02", "category": "stolen", "legal_basis": 17, "authority": "court", "owner": "duty"}
    good = first | {"valid_until": "2027-01-01", "regions": ["almaty", "astana"]}
    array = [first | {"plate": "777AAA01"}, good, {"plate": {"x": 1}}, "text"]
    for data in (
        json.dumps(array),
        json.dumps({"total": 4, "entries": array[:3]}),
        "\n".join(json.dumps(item) for item in array) + "\n\n",
    ):
        rows, problems = read(data, name="list.json")
        assert [(row.plate, row.legal_basis, row.regions) for row in rows] == [("123ABC02", "17", ("almaty", "astana"))]
        assert [problem.column for problem in problems][:2] == ["valid_until", "plate"]
    rows, problems = read(json.dumps(good) + "\n{broken\n", name="list.jsonl")
    assert (len(rows), problems[0].line, "no JSON" in problems[0].what) == (1, 2, True)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("l.xlsx", b"PK\x03\x04rest", "broken"),
        ("l.xls", b"\xd0\xcf\x11\xe0rest", "can't be read"),
        ("l.xlsx", workbook([["a", "b"]]), "plate"),
        ("l.xlsx", workbook([]), "workbook"),
        ("l.json", b"[1, 2]", "no object"),
        ("l.json", b"[{", "no JSON"),
        ("l.json", b"[" * 100_000, "JSON"),
        ("l.json", b'[{"name": 1}]', "plate"),
        ("l.csv", b"", "empty"),
    ],
)
def test_what_is_no_list_says_why(name: str, data: bytes, says: str) -> None:
    with pytest.raises(HotlistFileError, match=says):
        open_table(name, data, HotlistMapping())


def test_a_workbook_that_unpacks_too_large_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.hotlists.tables._LARGEST_UNPACKED", 100)
    with pytest.raises(HotlistFileError, match="unpacks"):
        open_table("l.xlsx", workbook([["plate"], ["123ABC02"]]), HotlistMapping())


def test_a_real_file_goes_into_a_real_database(database: Database) -> None:
    from storage.hotlists.categories import CategoryBook
    from storage.hotlists.import_records import ImportSource, OnError
    from storage.hotlists.imports import ImportBook

    until = f"{datetime.now(UTC) + timedelta(days=9):%d.%m.%Y}"
    text = HEADER.replace(",", "\t") + f"А123ВС\tstolen\tК-1\tполиция\tя\t{until}\t\nЖ\tstolen\tК\tп\tя\t{until}\t\n"
    reader = EntryReader("list.tsv", text.encode("utf-16"), FileRules(CategoryBook(database).all()))
    staged = ImportBook(database).stage(
        "main",
        reader,
        ImportSource("list.tsv"),
        by="clerk",
        on_error=OnError.QUARANTINE,
        remarks=lambda: reader.remarks,
    )
    assert (staged.rows, staged.problems, staged.folded) == (1, 1, 1)
