"""Hotlists: categories, the life of an entry in two people's hands, lists from outside, looking back."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CATEGORIES = """
CREATE TABLE categories (
    category text PRIMARY KEY CHECK (category ~ '^[a-z][a-z0-9_]{0,62}$'),
    priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 9),
    colour text NOT NULL CHECK (colour ~ '^#[0-9a-f]{6}$'),
    ceiling_days integer NOT NULL CHECK (ceiling_days BETWEEN 1 AND 3660),
    names jsonb NOT NULL DEFAULT '{}',
    retired boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE categories IS 'The closed set: an entry is of one of these. The configuration sets it anew';
COMMENT ON COLUMN categories.priority IS '1 is the most urgent';
COMMENT ON COLUMN categories.retired IS 'Takes no new entries; those it has live to their end';
INSERT INTO categories (category, priority, colour, ceiling_days) VALUES
    ('stolen', 2, '#d32f2f', 1827),
    ('stolen_plates', 3, '#f57c00', 1096),
    ('hit_and_run', 2, '#c2185b', 1096),
    ('wanted_person', 1, '#7b1fa2', 366),
    ('missing_person', 1, '#1976d2', 366),
    ('uninsured', 5, '#616161', 92),
    ('other_by_law', 4, '#00796b', 366);
INSERT INTO categories (category, priority, colour, ceiling_days, retired)
    SELECT DISTINCT category, 9, '#616161', 366, true FROM entries
    WHERE category ~ '^[a-z][a-z0-9_]{0,62}$' ON CONFLICT DO NOTHING;
"""

_LISTS = """
ALTER TABLE hotlists
    ADD suspended_because text NOT NULL DEFAULT '',
    ADD changed_by text NOT NULL DEFAULT '',
    ADD updated_at timestamptz NOT NULL DEFAULT now(),
    ADD version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN hotlists.version IS 'How often it was suspended or resumed: all its entries change with it';
CREATE TABLE hotlist_history (
    history_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hotlist_id text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    hotlist jsonb NOT NULL
);
CREATE FUNCTION keep_hotlist_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hotlist_history (hotlist_id, hotlist) VALUES (NEW.hotlist_id, to_jsonb(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER hotlists_written AFTER INSERT ON hotlists FOR EACH ROW EXECUTE FUNCTION keep_hotlist_history();
CREATE TRIGGER hotlists_changed AFTER UPDATE ON hotlists FOR EACH ROW
    WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION keep_hotlist_history();
CREATE TRIGGER hotlist_history_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON hotlist_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

_ENTRIES = """
ALTER TABLE entries
    ADD authority text NOT NULL DEFAULT '',
    ADD regions text[] NOT NULL DEFAULT '{}',
    ADD risk text NOT NULL DEFAULT '',
    ADD withdrawn_because text NOT NULL DEFAULT '',
    ADD changed_by text NOT NULL DEFAULT '',
    ADD import_id bigint,
    ADD live_since timestamptz,
    ADD live_version bigint;
COMMENT ON COLUMN entries.authority IS 'Who issued the document that is the legal basis';
COMMENT ON COLUMN entries.regions IS 'Where it is matched; everywhere when empty';
COMMENT ON COLUMN entries.import_id IS 'The import that brought it; null for one entered by hand';
COMMENT ON COLUMN entries.live_version IS 'The version at which it last went live: the name of its look-back';
ALTER TABLE entries DROP CONSTRAINT entries_state_check;
UPDATE entries SET state = 'draft', changed_by = 'migration 0002'
    WHERE state IN ('approved', 'live') AND approved_by IS NULL;
ALTER TABLE entries
    ADD CONSTRAINT entries_state_check CHECK (state IN ('draft', 'approved', 'live', 'expired', 'withdrawn')),
    ADD CONSTRAINT entries_two_people CHECK (state NOT IN ('approved', 'live') OR approved_by IS NOT NULL);
CREATE INDEX entries_live_version ON entries (live_version) WHERE live_version IS NOT NULL;
CREATE INDEX entries_ending ON entries (valid_until) WHERE state IN ('approved', 'live');
CREATE INDEX entries_waiting ON entries (valid_from) WHERE state = 'approved';

CREATE FUNCTION check_new_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM written LEFT JOIN categories USING (category)
               WHERE categories.retired IS DISTINCT FROM false)
       OR EXISTS (SELECT 1 FROM written LEFT JOIN hotlists USING (hotlist_id) WHERE hotlists.hotlist_id IS NULL) THEN
        RAISE EXCEPTION 'an entry is of a category that is not in the set, or of no list'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM written JOIN categories USING (category)
               WHERE valid_until > greatest(valid_from, entered_at) + make_interval(days => ceiling_days)) THEN
        RAISE EXCEPTION 'an entry lasts longer than its category allows'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_checked AFTER INSERT ON entries
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_new_entries();

CREATE FUNCTION check_changed_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ceiling interval;
BEGIN
    SELECT make_interval(days => ceiling_days) INTO ceiling FROM categories WHERE category = NEW.category;
    IF ceiling IS NULL OR NEW.valid_until > greatest(NEW.valid_from, NEW.entered_at) + ceiling THEN
        RAISE EXCEPTION 'an entry lasts longer than its category allows'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entries_rechecked BEFORE UPDATE ON entries FOR EACH ROW
    WHEN ((OLD.category, OLD.valid_until) IS DISTINCT FROM (NEW.category, NEW.valid_until))
    EXECUTE FUNCTION check_changed_entry();

CREATE FUNCTION check_entry_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'draft' OR (OLD.state, NEW.state) IN (
        ('draft', 'expired'), ('live', 'approved'), ('withdrawn', 'expired'), ('expired', 'withdrawn')) THEN
        RAISE EXCEPTION 'an entry that is %% can not become %%', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entries_moved BEFORE UPDATE ON entries FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION check_entry_move();
"""

# An entry's history is what it was before each change, and the entry itself: an insert writes nothing twice.
_HISTORY = """
DROP TRIGGER entries_inserted ON entries;
DROP TRIGGER entries_updated ON entries;
CREATE TRIGGER entries_updated AFTER UPDATE ON entries
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION keep_entry_history();
ALTER TABLE entry_history DISABLE TRIGGER entry_history_kept;
DELETE FROM entry_history WHERE history_id IN (SELECT max(history_id) FROM entry_history GROUP BY entry_id);
ALTER TABLE entry_history ENABLE TRIGGER entry_history_kept;
COMMENT ON TABLE entry_history IS 'Entries as they were before each change; as they are now they stand in entries';
ALTER TABLE entries DROP CONSTRAINT entries_hotlist_id_fkey;
CREATE TRIGGER hotlists_kept BEFORE DELETE OR TRUNCATE ON hotlists
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

_IMPORTS = """
CREATE TABLE imports (
    import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hotlist_id text NOT NULL REFERENCES hotlists,
    kind text NOT NULL CHECK (kind IN ('full', 'delta', 'restore')),
    source text NOT NULL,
    sha256 text,
    state text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'superseded')),
    entered_by text NOT NULL CHECK (entered_by <> ''),
    entered_at timestamptz NOT NULL DEFAULT now(),
    decided_by text,
    decided_at timestamptz,
    rows integer NOT NULL DEFAULT 0,
    folded integer NOT NULL DEFAULT 0,
    problems integer NOT NULL DEFAULT 0,
    added integer NOT NULL DEFAULT 0,
    changed integer NOT NULL DEFAULT 0,
    unchanged integer NOT NULL DEFAULT 0,
    withdrawn integer NOT NULL DEFAULT 0,
    version bigint,
    CONSTRAINT imports_two_people CHECK (state <> 'approved' OR (decided_by <> '' AND decided_by <> entered_by))
);
COMMENT ON TABLE imports IS 'Batches from outside. The rows of a pending one lie in a table of its own, staged_<id>';
COMMENT ON COLUMN imports.added IS 'And those after it: what approval would do, or did';
CREATE INDEX imports_hotlist ON imports (hotlist_id, import_id);
CREATE TABLE import_problems (
    import_id bigint NOT NULL REFERENCES imports,
    line integer NOT NULL,
    part text NOT NULL,
    what text NOT NULL,
    mend text NOT NULL
);
CREATE INDEX import_problems_import ON import_problems (import_id, line);
CREATE TABLE source_files (
    hotlist_id text NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    etag text,
    state text NOT NULL CHECK (state IN ('done', 'failed')),
    import_id bigint REFERENCES imports,
    reason text NOT NULL DEFAULT '',
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hotlist_id, name, sha256)
);
COMMENT ON TABLE source_files IS 'What watched folders, prefixes and addresses gave, and what became of it';
"""

_LOOKING_BACK = """
CREATE TABLE look_backs (
    version bigint PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    before timestamptz,
    next_hour timestamptz,
    reads bigint NOT NULL DEFAULT 0,
    hits integer NOT NULL DEFAULT 0,
    finished_at timestamptz
);
COMMENT ON TABLE look_backs IS 'Entries that went live at version, to be looked for in the reads still kept';
COMMENT ON COLUMN look_backs.before IS 'The matcher knows the entries since then: later reads are its own';
COMMENT ON COLUMN look_backs.next_hour IS 'The newest hour not searched yet; null before the first';
CREATE INDEX look_backs_waiting ON look_backs (version) WHERE finished_at IS NULL;
ALTER TABLE hits ADD before_entry boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN hits.before_entry IS 'Seen before the entry went live, found by looking back';
ALTER TABLE alerts ADD before_entry boolean NOT NULL DEFAULT false;
"""


def upgrade() -> None:
    for part in (_CATEGORIES, _LISTS, _ENTRIES, _HISTORY, _IMPORTS, _LOOKING_BACK):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("beket's schema only goes forward: restore a backup to go back")
