DROP TABLE notes;
DROP INDEX payment_instructions_to_correct;
ALTER TABLE payment_instructions DROP COLUMN correction_due_from;

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
        'payload-opened', 'settle', 'fetch')),
    -- On what: a PI number, a user's name.
    subject TEXT
);
INSERT INTO audit_events (id, at, actor, tenant_id, address, action, subject)
    SELECT id, at, actor, tenant_id, address, CASE action WHEN 'note' THEN 'refresh' ELSE action END,
        CASE action WHEN 'note' THEN 'noted on: ' || subject ELSE subject END
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
