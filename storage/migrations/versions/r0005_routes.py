"""Routes: the hits of one hotlist entry, in the order of time."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql("CREATE INDEX hits_entry ON hits (entry_id, seen_at)")


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
