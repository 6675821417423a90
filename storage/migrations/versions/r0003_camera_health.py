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

_HEALTH = """
CREATE TABLE camera_health (
    camera_id text PRIMARY KEY REFERENCES cameras ON DELETE CASCADE,
    at timestamptz NOT NULL,
    score smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    reasons jsonb NOT NULL,
    measured jsonb NOT NULL,
    changed_at timestamptz NOT NULL
);
COMMENT ON COLUMN camera_health.changed_at IS 'When a reason was last raised or cleared';

CREATE TABLE camera_health_samples (
    camera_id text NOT NULL,
    at timestamptz NOT NULL,
    score smallint NOT NULL,
    reasons jsonb NOT NULL,
    measured jsonb NOT NULL,
    PRIMARY KEY (camera_id, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE camera_health_samples IS 'History of health, a partition a day, dropped whole';
"""


def upgrade() -> None:
    op.execute(_SESSION)
    op.execute(_HEALTH)


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
