"""Search: the audit log; what reads and hits are searched by; appearance."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AUDIT = """
CREATE TABLE audit (
    number bigint PRIMARY KEY CHECK (number > 0),
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    record text NOT NULL,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE audit IS 'Every look: record is canonical JSON, hash = sha256(previous || record)';
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# Patterns use an index only where texts are ordered by byte, whatever the database's locale. The unique key serves
# "what passed this camera, newest first" too, in this order of its columns.
_READS = """
ALTER TABLE reads ALTER text TYPE text COLLATE "C", ADD vehicle_colour text;
ALTER TABLE reads DROP CONSTRAINT reads_camera_id_pass_id_seen_at_key;
ALTER TABLE reads ADD CONSTRAINT reads_key UNIQUE (camera_id, seen_at, pass_id);
CREATE INDEX reads_reversed ON reads (reverse(text), seen_at);
CREATE INDEX reads_seen ON reads (seen_at);

CREATE TABLE appearances (
    seen_at timestamptz NOT NULL,
    camera_id text NOT NULL,
    pass_id text NOT NULL,
    vector bytea NOT NULL,
    UNIQUE (seen_at, camera_id, pass_id)
) PARTITION BY RANGE (seen_at);
ALTER TABLE appearances ALTER vector SET STORAGE PLAIN;
COMMENT ON TABLE appearances IS 'What vehicles look like: a partition for each of reads, dropped with it';
"""

_HITS = """
ALTER TABLE hits ALTER text TYPE text COLLATE "C", ADD vehicle_colour text, ADD appearance bytea;
CREATE INDEX hits_reversed ON hits (reverse(text), seen_at);
CREATE INDEX hits_camera ON hits (camera_id, seen_at);
CREATE INDEX cameras_where ON cameras (latitude, longitude);
"""


def upgrade() -> None:
    for part in (_AUDIT, _READS, _HITS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
