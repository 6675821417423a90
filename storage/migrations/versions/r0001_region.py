"""Cameras, hotlists, reads, hits, alerts, clips, events."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTERS = """
CREATE TABLE counters (
    name text PRIMARY KEY,
    value bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE counters IS 'Numbers given out in commit order: the row stays locked until its taker has committed';
INSERT INTO counters VALUES ('events', 0), ('entries', 0);
"""

_EVENTS = """
CREATE TABLE events (
    cursor bigint PRIMARY KEY,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL
);
CREATE INDEX events_at ON events USING brin (at);
"""

_CAMERAS = """
CREATE TABLE cameras (
    camera_id text PRIMARY KEY,
    name text NOT NULL,
    place text NOT NULL DEFAULT '',
    latitude double precision,
    longitude double precision,
    source_sealed bytea NOT NULL,
    source_shown text NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    state text NOT NULL DEFAULT 'new',
    reason text,
    since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN cameras.source_sealed IS 'The stream URL with its credentials, sealed by a key outside the database';
"""

_HOTLISTS = """
CREATE TABLE hotlists (
    hotlist_id text PRIMARY KEY,
    name text NOT NULL,
    purpose text NOT NULL DEFAULT '',
    owner text NOT NULL,
    suspended boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE entries (
    entry_id text PRIMARY KEY,
    hotlist_id text NOT NULL REFERENCES hotlists,
    plate text NOT NULL CHECK (
        plate ~ '^[0-9A-Z?*]+$' AND length(replace(plate, '*', '')) BETWEEN 1 AND 10
        AND (plate !~ '[?*]' OR length(translate(plate, '?*', '')) >= 3)
    ),
    category text NOT NULL,
    legal_basis text NOT NULL CHECK (legal_basis <> ''),
    owner text NOT NULL CHECK (owner <> ''),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    note text NOT NULL DEFAULT '',
    instructions text NOT NULL DEFAULT '',
    vehicle jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL CHECK (state IN ('draft', 'approved', 'live', 'withdrawn')),
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT now(),
    approved_by text CHECK (approved_by <> entered_by),
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (valid_until > valid_from)
);
CREATE INDEX entries_version ON entries (version);
CREATE INDEX entries_plate ON entries (plate);
CREATE INDEX entries_hotlist ON entries (hotlist_id);

CREATE TABLE entry_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id text NOT NULL,
    version bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    entry jsonb NOT NULL
);
CREATE INDEX entry_history_entry ON entry_history (entry_id, version);

CREATE FUNCTION keep_entry_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entry_history (entry_id, version, entry)
        SELECT entry_id, version, to_jsonb(written) FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_inserted AFTER INSERT ON entries
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION keep_entry_history();
CREATE TRIGGER entries_updated AFTER UPDATE ON entries
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION keep_entry_history();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER entry_history_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_kept BEFORE DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

_READS = """
CREATE TABLE reads (
    seen_at timestamptz NOT NULL,
    camera_id text NOT NULL,
    pass_id text NOT NULL,
    text text NOT NULL,
    score real NOT NULL,
    legibility real NOT NULL,
    country text,
    format text,
    lines smallint NOT NULL,
    frames_read integer NOT NULL,
    vehicle_type text,
    plate_box real[] NOT NULL,
    vehicle_box real[],
    posterior bytea NOT NULL,
    UNIQUE (camera_id, pass_id, seen_at)
) PARTITION BY RANGE (seen_at);
CREATE INDEX reads_text ON reads (text, seen_at);
ALTER TABLE reads ALTER posterior SET STORAGE PLAIN;
"""

_HITS = """
CREATE TABLE alerts (
    alert_id uuid PRIMARY KEY,
    camera_id text NOT NULL,
    entry_id text NOT NULL,
    pass_id text NOT NULL,
    entry jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    sightings integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'new'
);
COMMENT ON COLUMN alerts.pass_id IS 'The pass that raised the alert: its reading, picture and clip are shown';
COMMENT ON COLUMN alerts.entry IS 'The entry as it stood when the alert was raised';
CREATE INDEX alerts_same ON alerts (camera_id, entry_id, last_seen_at);
CREATE INDEX alerts_pass ON alerts (camera_id, pass_id);
CREATE INDEX alerts_raised ON alerts (raised_at DESC, alert_id);

CREATE TABLE hits (
    hit_id uuid PRIMARY KEY,
    alert_id uuid NOT NULL REFERENCES alerts,
    camera_id text NOT NULL,
    pass_id text NOT NULL,
    entry_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('exact', 'probable')),
    score real NOT NULL,
    text text NOT NULL,
    read_score real NOT NULL,
    characters real[] NOT NULL,
    posterior bytea NOT NULL,
    legibility real NOT NULL,
    country text,
    format text,
    lines smallint NOT NULL,
    frames_read integer NOT NULL,
    plate_box real[] NOT NULL,
    vehicle_box real[],
    vehicle_type text,
    t_in double precision,
    t_out double precision,
    best_t double precision,
    seen_at timestamptz NOT NULL,
    closed boolean NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (camera_id, pass_id, entry_id)
);
CREATE INDEX hits_alert ON hits (alert_id);
CREATE INDEX hits_seen ON hits (seen_at);
CREATE INDEX hits_text ON hits (text, seen_at);

CREATE TABLE hit_pictures (
    camera_id text NOT NULL,
    pass_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('plate', 'vehicle')),
    jpeg bytea NOT NULL CHECK (octet_length(jpeg) <= 204800),
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (camera_id, pass_id, kind)
);
ALTER TABLE hit_pictures ALTER jpeg SET STORAGE EXTERNAL;

CREATE TABLE clips (
    camera_id text NOT NULL,
    pass_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'ready', 'lost')),
    key text UNIQUE,
    sha256 text,
    size_bytes bigint,
    duration_s double precision,
    codec text,
    mime text,
    reason text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (camera_id, pass_id),
    CHECK (state <> 'ready' OR (key IS NOT NULL AND sha256 IS NOT NULL AND size_bytes IS NOT NULL)),
    CHECK (state <> 'lost' OR reason IS NOT NULL)
);
CREATE INDEX clips_pending ON clips (asked_at) WHERE state = 'pending';
"""


def upgrade() -> None:
    for part in (_COUNTERS, _EVENTS, _CAMERAS, _HOTLISTS, _READS, _HITS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
