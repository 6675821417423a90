"""Hotlists in a region's configuration: their categories, where they come from, and who answers for them."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from cluster.settings.section import SLUG, Section
from index.hotlist_mapping import COLUMNS, HotlistMapping
from storage.hotlists.categories import Category


class CategorySettings(Section):
    """One category of entries. Those that the configuration names are the whole set."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(description="as entries and events name it")
    priority: int = Field(ge=1, le=9, description="1 is the most urgent")
    colour: str = Field(pattern=r"^#[0-9a-f]{6}$", description="on screen, #rrggbb")
    ceiling_days: int = Field(ge=1, le=3660, description="days that an entry lasts at most")
    names: dict[Literal["kk", "ru", "en"], str] = Field(default_factory=dict, description="what operators read")

    def category(self) -> Category:
        return Category(
            self.id,
            self.priority,
            self.colour,
            self.ceiling_days,
            {str(language): name for language, name in self.names.items()},
        )


class MappingSettings(Section):
    """How a list from outside says things."""

    columns: dict[str, str] = Field(default_factory=dict, description="field: the column's name in the file")
    constants: dict[str, str] = Field(default_factory=dict, description="field: what stands where a row is empty")
    categories: dict[str, str] = Field(default_factory=dict, description="the file's word: the category")
    date_formats: tuple[str, ...] = Field(default=(), description="strptime formats, tried before the usual ones")
    zone: str = Field(default="+00:00", description="of times without one: Asia/Almaty or +05:00")
    encoding: Literal["utf-8", "utf-16", "cp1251", "cp866"] | None = Field(
        default=None, description="of a text file; found out when null"
    )

    @field_validator("columns", "constants")
    @classmethod
    def _fields_are_known(cls, named: dict[str, str]) -> dict[str, str]:
        for field in named:
            if field not in COLUMNS:
                raise ValueError(f"{field} is no field of an entry; known: {', '.join(COLUMNS)}")
        return named

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        _zone(zone)
        return zone

    def mapping(self) -> HotlistMapping:
        return HotlistMapping(
            self.columns,
            self.constants,
            {word.casefold(): category for word, category in self.categories.items()},
            self.date_formats,
            _zone(self.zone),
            self.encoding,
        )


class HotlistSettings(Section):
    """A hotlist: whose it is, and where its entries come from (``file``, ``folder``, ``prefix`` or ``url``)."""

    id: Annotated[str, Field(pattern=SLUG)] = Field(description="the list's name in the database")
    name: str = Field(default="", max_length=200, description="what operators read; the id when empty")
    owner: str = Field(min_length=1, max_length=200, description="who answers for the list")
    purpose: str = Field(default="", max_length=1000, description="what the list is for")
    file: Path | None = Field(default=None, description="taken in at start when it has changed")
    folder: Path | None = Field(default=None, description="watched for new files")
    prefix: str | None = Field(default=None, min_length=1, description="watched in the archive's bucket")
    url: str | None = Field(
        default=None, pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])", description="pulled, with its ETag"
    )
    authorization_env: str | None = Field(default=None, description="variable with the Authorization header for `url`")
    authorization_file: Path | None = Field(default=None, description="file that holds it")
    every_s: float = Field(default=60.0, ge=1, le=86400, description="seconds between two looks at the source")
    largest_mb: int = Field(default=512, ge=1, le=4096, description="MB that a file may have")
    kind: Literal["full", "delta"] = Field(default="full", description="full: entries that a file leaves out go")
    on_error: Literal["refuse", "quarantine"] = Field(
        default="quarantine", description="bad rows: nothing is taken, or the good ones are"
    )
    most_withdrawn: float = Field(
        default=0.5, ge=0, le=1, description="share of the list that a file may withdraw without a person's approval"
    )
    entered_by: str = Field(default="configuration", min_length=1, max_length=200, description="who enters its files")
    approved_by: str | None = Field(
        default=None, min_length=1, max_length=200, description="who approves them beforehand; null: each waits"
    )
    mapping: MappingSettings = MappingSettings()

    @model_validator(mode="after")
    def _two_people_and_one_source(self) -> Self:
        if self.approved_by == self.entered_by:
            raise ValueError("`approved_by` is who enters: a second person has to approve")
        if sum(source is not None for source in (self.file, self.folder, self.prefix, self.url)) > 1:
            raise ValueError("a list has one source: `file`, `folder`, `prefix` or `url`")
        if self.url and "@" in self.url.partition("://")[2].partition("/")[0]:
            raise ValueError("the login does not belong into `url`: give `authorization_env` or `authorization_file`")
        return self


def _zone(name: str) -> tzinfo:
    if name[:1] in "+-":
        try:
            hours, minutes = name[1:].split(":")
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            return timezone(offset if name[0] == "+" else -offset)
        except ValueError as error:
            raise ValueError(f"zone: {name!r} is none; write it as +05:00") from error
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"zone: {name!r} is not known; write it as Asia/Almaty or +05:00") from error
