-- Messages that are held until a person reads why, and messages that a person settled; whom a message was
-- written for. The three tables are made anew, as migrations/README.md says.

PRAGMA defer_foreign_keys = ON;

CREATE TEMPORARY TABLE set_aside AS SELECT * FROM outbox_messages;
CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = 'outbox_messages';
DROP TABLE outbox_messages;
CREATE TABLE outbox_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    beneficiary_id BIGINT NOT NULL REFERENCES beneficiaries (id),
    -- The instruction's, which never changes: for the lists of one ULB.
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    -- MUKTASoft's id of whom it was written for: the message is theirs alone.
    person_id TEXT,
    event TEXT NOT NULL CHECK (event IN ('payment-successful')),
    -- What was paid, whatever MUKTASoft says of the amount later.
    amount_paise BIGINT NOT NULL,
    utr TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('waiting', 'sending', 'sent', 'failed', 'unknown', 'held', 'settled')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt_at TIMESTAMP,
    last_error TEXT,
    -- Shortened, telephone numbers masked.
    gateway_answer TEXT,
    created_at TIMESTAMP NOT NULL,
    sent_at TIMESTAMP,
    changed_at TIMESTAMP NOT NULL,

    -- Who is sending it, and until when that claim holds. The token stays when the claim ran out,
    -- so that an answer which comes late all the same still finds its message.
    lease_token TEXT,
    lease_until TIMESTAMP,

    UNIQUE (instruction_id, beneficiary_id, event),
    CHECK ((state = 'waiting') = (next_attempt_at IS NOT NULL)),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    CHECK (state <> 'sending' OR lease_token IS NOT NULL),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
INSERT INTO outbox_messages (id, instruction_id, beneficiary_id, tenant_id, event, amount_paise, utr, state, attempts,
        next_attempt_at, last_error, gateway_answer, created_at, sent_at, changed_at, lease_token,
        lease_until, person_id)
    SELECT id, instruction_id, beneficiary_id, tenant_id, event, amount_paise, utr, state, attempts,
        next_attempt_at, last_error, gateway_answer, created_at, sent_at, changed_at, lease_token,
        lease_until, (SELECT b.beneficiary_id FROM beneficiaries b WHERE b.id = set_aside.beneficiary_id)
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'outbox_messages';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
CREATE INDEX outbox_messages_due ON outbox_messages (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX outbox_messages_claimed ON outbox_messages (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX outbox_messages_by_state ON outbox_messages (state, id);
CREATE INDEX outbox_messages_by_tenant ON outbox_messages (tenant_id, state, id);
CREATE INDEX outbox_messages_by_beneficiary ON outbox_messages (beneficiary_id);

CREATE TEMPORARY TABLE set_aside AS SELECT * FROM outbox_events;
CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = 'outbox_events';
DROP TABLE outbox_events;
CREATE TABLE outbox_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id BIGINT NOT NULL REFERENCES outbox_messages (id),
    happened_at TIMESTAMP NOT NULL,
    -- What an attempt came to, why none is made, or what a person did.
    what TEXT NOT NULL CHECK (what IN
        ('sent', 'waiting', 'failed', 'unknown', 'resend', 'held', 'settle', 'renewed')),
    -- Which attempt; 0 where none was made.
    attempt INTEGER NOT NULL,
    cause TEXT,
    gateway_answer TEXT,
    person TEXT,
    -- What a person who settled it did instead.
    note TEXT,
    -- Whether the message was brought up to date by it: not, if it had been sent again meanwhile.
    applied BOOLEAN NOT NULL,
    CHECK ((what IN ('resend', 'settle')) = (person IS NOT NULL)),
    CHECK ((what = 'settle') = (note IS NOT NULL))
);
INSERT INTO outbox_events (id, message_id, happened_at, what, attempt, cause, gateway_answer, person, applied)
    SELECT id, message_id, happened_at, what, attempt, cause, gateway_answer, person, applied
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'outbox_events';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
CREATE INDEX outbox_events_by_message ON outbox_events (message_id, id);
CREATE TRIGGER outbox_events_keep BEFORE DELETE ON outbox_events
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
CREATE TRIGGER outbox_events_fixed BEFORE UPDATE ON outbox_events
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;

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
        'payload-opened', 'settle')),
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
