"""How a list from outside says things: which column is which field, what rows leave out, its categories and dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from index.dates import parse_date

COLUMNS: Final = {
    "plate": ("plate", "plates", "number", "registration", "vrm", "грнз", "госномер", "гос номер", "номер", "нөмір"),
    "entry_id": ("entry_id", "id", "ид"),
    "category": ("category", "категория", "санат"),
    "valid_from": ("valid_from", "from", "since", "действует с", "с"),
    "valid_until": ("valid_until", "until", "expires", "valid_to", "действует до", "до"),
    "legal_basis": ("legal_basis", "basis", "document", "основание", "документ", "негіз"),
    "authority": ("authority", "issued_by", "орган", "кем выдан", "орган инициатор"),
    "owner": ("owner", "владелец списка", "ответственный"),
    "regions": ("regions", "region", "scope", "регион", "регионы", "өңір"),
    "make": ("make", "model", "марка", "марка модель", "маркасы"),
    "colour": ("colour", "color", "цвет", "түсі"),
    "vehicle_type": ("vehicle_type", "type", "тип", "тип тс", "түрі"),
    "instructions": ("instructions", "action_required", "указания", "инструкция", "нұсқау"),
    "risk": ("risk", "risk_note", "warning", "опасность", "риск", "қауіп"),
    "note": ("note", "comment", "примечание", "комментарий", "ескерту"),
    "operation": ("operation", "change", "операция", "әрекет"),
}
"""Column names that are understood, whatever their case, with spaces, hyphens and underscores alike."""
OPERATIONS: Final = {
    "put": ("", "put", "add", "change", "update", "upsert", "insert", "добавить", "изменить", "a", "u"),
    "withdraw": ("withdraw", "delete", "remove", "снять", "удалить", "d"),
}
_NAMES: Final = {name.replace("_", " "): column for column, names in COLUMNS.items() for name in names}
_OPERATIONS: Final = {name: operation for operation, names in OPERATIONS.items() for name in names}


class MappingError(ValueError):
    """The file's columns and the mapping don't meet; the message says which."""


@dataclass(frozen=True, slots=True)
class HotlistMapping:
    """A list's own ways. The default one knows the columns of ``COLUMNS`` and plain dates."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """By field of ``COLUMNS``: the column's name in the file, whatever its case."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """By field: what stands where a row leaves it empty."""
    categories: Mapping[str, str] = field(default_factory=dict)
    """By the file's word for it, whatever its case: the category."""
    date_formats: tuple[str, ...] = ()
    """Tried before the dates of ``index.dates``, as ``strptime`` has them."""
    zone: tzinfo = UTC
    """Of times written without one; a Kazakh list may want UTC+5."""
    encoding: str | None = None
    """Of a text file; found out when None."""

    def __post_init__(self) -> None:
        unknown = sorted({*self.columns, *self.constants} - COLUMNS.keys())
        if unknown:
            raise MappingError(f"{unknown[0]!r} is no field; known: {', '.join(COLUMNS)}")

    def resolve(self, header: Iterable[str]) -> list[str | None]:
        """The field of each column, None for one that is not understood.

        Raises ``MappingError`` where a column of the mapping is missing, or two mean one field.
        """
        own = {plain(name): field_name for field_name, name in self.columns.items()}
        names = [plain(name) for name in header]
        missing = [self.columns[field_name] for name, field_name in own.items() if name not in names]
        if missing:
            raise MappingError(f"the mapping names a column {missing[0]!r}, the file has {names[:20]}")
        found = [own.get(name) or _unmapped(name, self.columns) for name in names]
        twice = [name for name in found if name and found.count(name) > 1]
        if twice:
            raise MappingError(f"two columns of the header mean {twice[0]!r}: rename or drop one of {names[:20]}")
        return found

    def category(self, written: str) -> str:
        """The category that a word of the file stands for."""
        return self.categories.get(written.casefold(), written)

    def date(self, written: str, *, is_end: bool) -> datetime:
        """As ``index.dates.parse_date``, with the list's own formats first. Raises ``DateError``."""
        for form in self.date_formats:
            try:
                when = datetime.strptime(written, form)
            except ValueError:
                continue
            if is_end and "%H" not in form and "%I" not in form:
                when += timedelta(days=1)
            return (when if when.tzinfo else when.replace(tzinfo=self.zone)).astimezone(UTC)
        return parse_date(written, self.zone, is_end=is_end)

    @staticmethod
    def operation(written: str) -> str | None:
        """``put`` or ``withdraw``, or None for a word that is neither."""
        return _OPERATIONS.get(written.casefold())


def plain(name: str) -> str:
    """A column's name without what people write differently."""
    return " ".join(name.strip().casefold().replace("_", " ").replace("-", " ").replace(".", " ").split())


def _unmapped(name: str, columns: Mapping[str, str]) -> str | None:
    found = _NAMES.get(name)
    return None if found in columns else found
