-- Each change of state, each reading of many and each refusal leaves an event: the words for them.
CREATE TEMPORARY TABLE set_aside AS SELECT * FROM audit_events;
CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = 'audit_events';
DROP TABLE audit_events;
CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    -- Who: an employee's name, or who ran a command on the machine.
    actor TEXT NOT NULL,
    tenant_id TEXT,
    address TEXT,
    action TEXT NOT NULL CHECK (action IN (
        'sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out', 'refresh', 'resend', 'run-by-hand',
        'user-added', 'password-changed', 'user-disabled', 'payload-opened', 'settle', 'fetch', 'note',
        'user-enabled', 'role-changed', 'tenant-changed', 'password-refused', 'session-ended', 'pi-opened',
        'words-opened', 'people-searched', 'downloaded', 'exported', 'imported', 'synced', 'resealed',
        'pruned', 'refused', 'language-chosen', 'second-factor-set', 'second-factor-removed',
        'second-factor-reset', 'second-factor-given', 'second-factor-refused', 'recovery-codes-made')),
    -- On what: a PI number, a user's name.
    subject TEXT,
    -- Neither for events from before there was a chain, nor for those of a command without the data key.
    position BIGINT UNIQUE,
    link BLOB,
    CHECK ((position IS NULL) = (link IS NULL))
);
INSERT INTO audit_events (id, at, actor, tenant_id, address, action, subject, position, link)
    SELECT id, at, actor, tenant_id, address, action, subject, position, link
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'audit_events';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE TRIGGER audit_events_new BEFORE INSERT ON audit_events
WHEN (NEW.link IS NULL AND NEW.actor NOT LIKE 'operator%')
    OR (NEW.id > 0 AND NEW.id <= (SELECT max(id) FROM audit_events))
    OR NEW.position <= (SELECT position FROM trail_head)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_events_keep BEFORE DELETE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM prunes WHERE is_open AND OLD.id <= last_event_id)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_events_fixed BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
