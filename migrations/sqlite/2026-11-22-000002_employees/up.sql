-- Employees, their sessions, failed sign-ins, and the audit trail.

CREATE TABLE employees (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- In lower case: sign-in is not particular about case.
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'accountant', 'admin')),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    password_hash TEXT NOT NULL,
    is_disabled BOOLEAN NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    password_changed_at TIMESTAMP NOT NULL
);

CREATE TABLE sessions (
    -- SHA-256 of the id in the cookie: the table opens no session.
    key_hash TEXT PRIMARY KEY,
    -- NULL until somebody signs in.
    employee_id BIGINT REFERENCES employees (id),
    state TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_by_employee ON sessions (employee_id);
CREATE INDEX sessions_by_last_seen ON sessions (last_seen_at);

CREATE TABLE sign_in_failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- A keyed hash: what was typed may have been a password.
    name_hash TEXT NOT NULL,
    address TEXT NOT NULL,
    failed_at TIMESTAMP NOT NULL
);
CREATE INDEX sign_in_failures_by_address ON sign_in_failures (address, failed_at);

CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    -- Who: an employee's name, or who ran a command on the machine.
    actor TEXT NOT NULL,
    tenant_id TEXT,
    address TEXT,
    action TEXT NOT NULL CHECK (action IN ('sign-in', 'sign-in-failed', 'sign-in-throttled', 'sign-out',
        'refresh', 'resend', 'run-by-hand', 'user-added', 'password-changed', 'user-disabled',
        'payload-opened')),
    -- On what: a PI number, a user's name.
    subject TEXT
);
CREATE INDEX audit_events_by_time ON audit_events (at);

CREATE TRIGGER audit_events_keep BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_events_fixed BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
