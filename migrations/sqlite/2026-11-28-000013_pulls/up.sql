-- Pulling from MUKTASoft: every pull with what it brought of each ULB, what is to be said of it, and the
-- records that were left out until a later one brings them whole.

-- Who is pulling, and until when that claim holds: one at a time over all processes.
CREATE TABLE pull_lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token TEXT NOT NULL,
    until TIMESTAMP NOT NULL
);

CREATE TABLE pulls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trigger_word TEXT NOT NULL CHECK (trigger_word IN ('timer', 'night', 'command', 'sync')),
    began_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    -- Why it did not bring all, if it did not; beside it what was heard, in English.
    failure TEXT CHECK (failure IN ('token-refused', 'not-answered', 'refused', 'not-read', 'time-over',
        'no-tenants', 'database', 'cut-off')),
    failure_detail TEXT,
    CHECK (failure IS NULL OR ended_at IS NOT NULL)
);
CREATE INDEX pulls_by_beginning ON pulls (began_at, id);

-- What it brought of a ULB.
CREATE TABLE pull_counts (
    pull_id BIGINT NOT NULL REFERENCES pulls (id),
    tenant_id TEXT NOT NULL CHECK (tenant_id <> ''),
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    failed BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (pull_id, tenant_id)
);

-- What is to be said of it; of one ULB, or of all.
CREATE TABLE pull_notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pull_id BIGINT NOT NULL REFERENCES pulls (id),
    tenant_id TEXT CHECK (tenant_id <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('changed-while-read', 'service-away', 'not-given', 'other-given',
        'not-fetched')),
    -- About what: a PI number, a service.
    subject TEXT,
    -- What was heard, in English.
    detail TEXT
);
CREATE INDEX pull_notes_by_pull ON pull_notes (pull_id, id);

-- Records with faults. One whose number cannot be read has none.
CREATE TABLE pull_faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL CHECK (tenant_id <> ''),
    number TEXT CHECK (number <> ''),
    path TEXT NOT NULL,
    problem TEXT NOT NULL,
    since TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
CREATE INDEX pull_faults_by_tenant ON pull_faults (tenant_id, number);

-- PIs (folded numbers) whose people could not be asked for, since a service was away.
CREATE TABLE people_owed (
    number TEXT PRIMARY KEY CHECK (number <> '')
);

-- That somebody fetched a PI from MUKTASoft goes into the audit trail.
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
