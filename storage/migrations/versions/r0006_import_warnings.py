"""Imports: rows that were taken, yet want a look."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute = op.get_bind().exec_driver_sql
    execute("ALTER TABLE imports ADD COLUMN warnings integer NOT NULL DEFAULT 0")
    execute("ALTER TABLE import_problems ADD COLUMN is_warning boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
