"""Hotlists: the life of an entry, lists from outside."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
