PRAGMA defer_foreign_keys = ON;

-- Since when a run under way waits for a JIT that cannot be reached; NULL while it does not.
ALTER TABLE sync_runs ADD COLUMN waiting_since TIMESTAMP;

-- What a claim was made for: if its process dies, whoever finds it writes this into the call log.
ALTER TABLE payment_instructions ADD COLUMN lease_started_at TIMESTAMP;
ALTER TABLE payment_instructions ADD COLUMN lease_trigger TEXT;
ALTER TABLE payment_instructions ADD COLUMN lease_by TEXT;
ALTER TABLE payment_instructions ADD COLUMN lease_run_id BIGINT;
CREATE INDEX payment_instructions_claimed ON payment_instructions (lease_until) WHERE lease_until IS NOT NULL;
-- JIT could not be asked for want of something here, and that has been told: runs leave it out.
ALTER TABLE payment_instructions ADD COLUMN cannot_ask BOOLEAN NOT NULL DEFAULT 0;
CREATE INDEX payment_instructions_cannot_ask ON payment_instructions (id) WHERE cannot_ask;

-- Two words more: a call whose fate is not known, and one that was not sent.
CREATE TEMPORARY TABLE set_aside AS
    SELECT id, instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome, message, cause,
        http_status, request_sealed, response_sealed, applied, run_id
    FROM ftps_calls;
CREATE TEMPORARY TABLE ids_given AS SELECT name, seq FROM sqlite_sequence WHERE name = 'ftps_calls';
DROP TABLE ftps_calls;
CREATE TABLE ftps_calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id BIGINT NOT NULL REFERENCES payment_instructions (id),
    -- Drawn when the call is made: a call is never stored twice.
    call_ref TEXT NOT NULL UNIQUE,
    trigger_word TEXT NOT NULL CHECK (trigger_word IN ('refresh', 'nightly', 'retry', 'command', 'hand')),
    triggered_by TEXT,
    started_at TIMESTAMP NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    outcome TEXT NOT NULL CHECK (outcome IN ('no-response', 'error', 'glitch', 'success', 'unknown', 'not-sent')),
    message TEXT NOT NULL,
    cause TEXT,
    http_status INTEGER,
    request_sealed BLOB,
    response_sealed BLOB,
    -- Whether the instruction was brought up to date by it: not, if another call held the claim.
    applied BOOLEAN NOT NULL,
    run_id BIGINT REFERENCES sync_runs (id)
);
INSERT INTO ftps_calls (id, instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome,
        message, cause, http_status, request_sealed, response_sealed, applied, run_id)
    SELECT id, instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms, outcome, message, cause,
        http_status, request_sealed, response_sealed, applied, run_id
    FROM set_aside;
DELETE FROM sqlite_sequence WHERE name = 'ftps_calls';
INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM ids_given;
DROP TABLE set_aside;
DROP TABLE ids_given;
CREATE INDEX ftps_calls_by_instruction ON ftps_calls (instruction_id, id);
CREATE INDEX ftps_calls_by_run ON ftps_calls (run_id, instruction_id) WHERE run_id IS NOT NULL;
CREATE TRIGGER ftps_calls_keep BEFORE DELETE ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
