-- Accounts: the role of an auditor, passwords that are for the first sign-in only, the sign-ins before, and what
-- is done about employees.
PRAGMA defer_foreign_keys = ON;

CREATE TEMPORARY TABLE set_aside AS SELECT * FROM employees;
CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = 'employees';
DROP TABLE employees;
CREATE TABLE employees (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- In lower case: sign-in is not particular about case.
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'accountant', 'admin', 'auditor')),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    password_hash TEXT NOT NULL,
    is_disabled BOOLEAN NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    password_changed_at TIMESTAMP NOT NULL,
    language TEXT CHECK (language IN ('en', 'or', 'hi')),
    -- Somebody else knows the password: it is for the first sign-in only.
    must_change_password BOOLEAN NOT NULL DEFAULT 0,
    -- The last sign-in, and the one before it.
    last_sign_in_at TIMESTAMP,
    sign_in_before_at TIMESTAMP,
    -- Failures since the last sign-in, and between the two.
    failures_since BIGINT NOT NULL DEFAULT 0,
    failures_before BIGINT NOT NULL DEFAULT 0
);
INSERT INTO employees (id, name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at, language)
    SELECT id, name, role, tenant_id, password_hash, is_disabled, created_at, password_changed_at, language
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'employees';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
UPDATE employees SET last_sign_in_at = signed_in.at
    FROM (SELECT actor, max(at) AS at FROM audit_events WHERE action = 'sign-in' GROUP BY actor) signed_in
    WHERE signed_in.actor = employees.name;

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
        'payload-opened', 'settle', 'fetch', 'note', 'user-enabled', 'role-changed', 'tenant-changed',
        'password-refused', 'session-ended')),
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
