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
    action TEXT NOT NULL CHECK (action IN ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out',
        'refresh', 'resend', 'run-by-hand', 'user-added', 'password-changed', 'user-disabled',
        'payload-opened', 'settle', 'fetch', 'note')),
    -- On what: a PI number, a user's name.
    subject TEXT
);
INSERT INTO audit_events (id, at, actor, tenant_id, address, action, subject)
    SELECT id, at, actor, tenant_id, address, action, subject
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'audit_events';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE TRIGGER audit_events_keep BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_events_fixed BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

DROP TRIGGER outbox_events_new;
DROP TRIGGER outbox_events_emptied;
DROP TRIGGER outbox_events_fixed;
DROP INDEX outbox_events_answered;
CREATE TRIGGER outbox_events_fixed BEFORE UPDATE ON outbox_events
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;

DROP TRIGGER ftps_calls_new;
DROP TRIGGER ftps_calls_keep;
DROP TRIGGER ftps_calls_fixed;
DROP TRIGGER ftps_calls_emptied;
DROP INDEX ftps_calls_unpruned;
DROP INDEX ftps_calls_pruned;
ALTER TABLE ftps_calls DROP COLUMN pruned_by;
ALTER TABLE ftps_calls DROP COLUMN payload_digest;
ALTER TABLE ftps_calls DROP COLUMN link;
CREATE TRIGGER ftps_calls_keep BEFORE DELETE ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;

DROP TABLE prunes;
DROP TABLE call_heads;
DROP TABLE trail_head;
DROP TABLE trail_key;
