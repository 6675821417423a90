"""The closed set of categories: what an entry may be of, how urgent that is, and how long it may last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from psycopg.types.json import Jsonb

from storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Category:
    """One category of entries."""

    category: str
    priority: int
    """1 (most urgent) to 9."""
    colour: str
    """``#rrggbb``."""
    ceiling_days: int
    """An entry lasts at most so many days from when it was entered, or from its later beginning."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What people read, by language (kk, ru, en)."""
    retired: bool = False
    """Takes no new entries."""

    @property
    def ceiling(self) -> timedelta:
        return timedelta(days=self.ceiling_days)


class CategoryBook:
    """Reads and sets the set of categories. Thread-safe; methods raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Category]:
        """Every category by its name, the most urgent first."""
        with self._database.transaction() as connection:
            return read_categories(connection)

    def set(self, categories: Sequence[Category]) -> None:
        """Make ``categories`` the set. One that is left out is retired: its entries live to their end."""
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('categories'))")
            connection.execute(
                "UPDATE categories SET retired = true WHERE category <> ALL(%s)", [[c.category for c in categories]]
            )
            for category in categories:
                connection.execute(
                    "INSERT INTO categories (category, priority, colour, ceiling_days, names) "
                    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (category) DO UPDATE SET (priority, colour, ceiling_days, "
                    "names, retired) = (excluded.priority, excluded.colour, excluded.ceiling_days, excluded.names, "
                    "false)",
                    [
                        category.category,
                        category.priority,
                        category.colour,
                        category.ceiling_days,
                        Jsonb(dict(category.names)),
                    ],
                )


def read_categories(connection: Connection) -> dict[str, Category]:
    """As ``CategoryBook.all``, in the caller's transaction."""
    rows = connection.execute(
        "SELECT category, priority, colour, ceiling_days, names, retired FROM categories ORDER BY priority, category"
    ).fetchall()
    return {row[0]: Category(*row) for row in rows}
