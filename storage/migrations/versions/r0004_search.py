"""Search: the audit log."""

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


def upgrade() -> None:
    for part in (_AUDIT,):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
