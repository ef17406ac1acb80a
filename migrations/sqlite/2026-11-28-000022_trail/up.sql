-- What is written once stays as it was: a chain over the audit trail, one over the calls of each PI, and
-- triggers against every way around. What is emptied or removed when it is due leaves a row in `prunes`.

-- The key of the chains, sealed with the data key.
CREATE TABLE trail_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key_sealed BLOB NOT NULL
);

-- Where the chain of the audit trail ends.
CREATE TABLE trail_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position BIGINT NOT NULL CHECK (position >= 0),
    link BLOB NOT NULL,
    -- The last rows from before there were chains.
    events_before BIGINT NOT NULL,
    calls_before BIGINT NOT NULL
);
INSERT INTO trail_head (one, position, link, events_before, calls_before)
    SELECT 1, 0, X'', coalesce((SELECT max(id) FROM audit_events), 0), coalesce((SELECT max(id) FROM ftps_calls), 0);
CREATE TRIGGER trail_head_keep BEFORE DELETE ON trail_head
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER trail_head_forward BEFORE UPDATE ON trail_head
WHEN NEW.position <> OLD.position + 1 OR NEW.events_before <> OLD.events_before
    OR NEW.calls_before <> OLD.calls_before
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- Where the chain of the calls of a PI ends.
CREATE TABLE call_heads (
    instruction_id BIGINT PRIMARY KEY REFERENCES payment_instructions (id),
    calls BIGINT NOT NULL CHECK (calls > 0),
    link BLOB NOT NULL
);
CREATE TRIGGER call_heads_keep BEFORE DELETE ON call_heads
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER call_heads_forward BEFORE UPDATE ON call_heads
WHEN NEW.instruction_id <> OLD.instruction_id OR NEW.calls <> OLD.calls + 1
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;

-- What was emptied or removed since it was due. Open only within the transaction that does it.
CREATE TABLE prunes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    -- Payloads of calls and messages from before this were emptied.
    payloads_before TIMESTAMP,
    -- Events of the audit trail up to this position were removed; the link is the last one's. Events from before
    -- there was a chain have no position: 0 removes some of those alone.
    events_to BIGINT,
    link BLOB,
    -- And this the last row.
    last_event_id BIGINT,
    calls BIGINT NOT NULL DEFAULT 0,
    messages BIGINT NOT NULL DEFAULT 0,
    events BIGINT NOT NULL DEFAULT 0,
    is_open BOOLEAN NOT NULL,
    CHECK ((events_to IS NULL) = (link IS NULL) AND (events_to IS NULL) = (last_event_id IS NULL))
);
CREATE INDEX prunes_open ON prunes (id) WHERE is_open;
CREATE TRIGGER prunes_keep BEFORE DELETE ON prunes
BEGIN SELECT RAISE(ABORT, 'what was pruned is not forgotten'); END;
CREATE TRIGGER prunes_fixed BEFORE UPDATE ON prunes WHEN NOT OLD.is_open
BEGIN SELECT RAISE(ABORT, 'what was pruned is not forgotten'); END;
CREATE TRIGGER prunes_new BEFORE INSERT ON prunes
WHEN EXISTS (SELECT 1 FROM prunes WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what was pruned is not forgotten'); END;

DROP TRIGGER ftps_calls_keep;
DROP TRIGGER ftps_calls_fixed;
-- NULL for calls from before there was a chain.
ALTER TABLE ftps_calls ADD COLUMN link BLOB;
ALTER TABLE ftps_calls ADD COLUMN payload_digest BLOB;
ALTER TABLE ftps_calls ADD COLUMN pruned_by BIGINT;
CREATE INDEX ftps_calls_pruned ON ftps_calls (pruned_by) WHERE pruned_by IS NOT NULL;
CREATE INDEX ftps_calls_unpruned ON ftps_calls (started_at)
    WHERE request_sealed IS NOT NULL OR response_sealed IS NOT NULL;
CREATE TRIGGER ftps_calls_new BEFORE INSERT ON ftps_calls
WHEN NEW.link IS NULL OR NEW.pruned_by IS NOT NULL
    OR (NEW.id > 0 AND NEW.id <= (SELECT max(id) FROM ftps_calls))
    OR EXISTS (SELECT 1 FROM ftps_calls WHERE call_ref = NEW.call_ref)
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER ftps_calls_keep BEFORE DELETE ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id, link, payload_digest
    ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER ftps_calls_emptied BEFORE UPDATE OF request_sealed, response_sealed, pruned_by ON ftps_calls
WHEN (OLD.request_sealed IS NULL AND NEW.request_sealed IS NOT NULL)
    OR (OLD.response_sealed IS NULL AND NEW.response_sealed IS NOT NULL)
    OR ((NEW.pruned_by IS NOT OLD.pruned_by OR (OLD.request_sealed IS NOT NULL AND NEW.request_sealed IS NULL)
            OR (OLD.response_sealed IS NOT NULL AND NEW.response_sealed IS NULL))
        AND NOT EXISTS (SELECT 1 FROM prunes p WHERE p.is_open AND p.id = NEW.pruned_by
            AND OLD.pruned_by IS NULL AND OLD.started_at < p.payloads_before))
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;

DROP TRIGGER outbox_events_fixed;
CREATE INDEX outbox_events_answered ON outbox_events (happened_at) WHERE gateway_answer IS NOT NULL;
CREATE TRIGGER outbox_events_fixed BEFORE UPDATE OF id, message_id, happened_at, what, attempt, cause, person, note,
    applied ON outbox_events
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
CREATE TRIGGER outbox_events_emptied BEFORE UPDATE OF gateway_answer ON outbox_events
WHEN NEW.gateway_answer IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM prunes WHERE is_open AND OLD.happened_at < payloads_before)
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;
CREATE TRIGGER outbox_events_new BEFORE INSERT ON outbox_events
WHEN NEW.id > 0 AND NEW.id <= (SELECT max(id) FROM outbox_events)
BEGIN SELECT RAISE(ABORT, 'the outbox events are append-only'); END;

-- The audit trail is made anew: each event gets its place in the chain and its link.
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
    subject TEXT,
    -- Neither for events from before there was a chain, nor for those of a command without the data key.
    position BIGINT UNIQUE,
    link BLOB,
    CHECK ((position IS NULL) = (link IS NULL))
);
INSERT INTO audit_events (id, at, actor, tenant_id, address, action, subject)
    SELECT id, at, actor, tenant_id, address, action, subject
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
