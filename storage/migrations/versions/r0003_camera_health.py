"""Cameras: health and its history, second streams, their own clocks."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


_SESSION = """
ALTER TABLE cameras ADD gate_sealed bytea;
COMMENT ON COLUMN cameras.gate_sealed IS 'The URL of the small stream for the gate, sealed as source_sealed is';
ALTER TABLE hits ADD camera_at timestamptz, ADD skew_s real;
COMMENT ON COLUMN hits.camera_at IS 'The best frame''s time by the camera''s own clock; seen_at is its arrival by ours';
COMMENT ON COLUMN hits.skew_s IS 'The camera''s clock minus ours, as estimated then';
"""


def upgrade() -> None:
    op.execute(_SESSION)


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
