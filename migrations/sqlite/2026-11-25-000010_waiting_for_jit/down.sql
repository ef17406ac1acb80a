PRAGMA defer_foreign_keys = ON;

-- What the shorter list has no word for becomes a glitch, with the message that it has.
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
    outcome TEXT NOT NULL CHECK (outcome IN ('no-response', 'error', 'glitch', 'success')),
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
    SELECT id, instruction_id, call_ref, trigger_word, triggered_by, started_at, duration_ms,
        CASE WHEN outcome IN ('unknown', 'not-sent') THEN 'glitch' ELSE outcome END, message, cause, http_status, request_sealed, response_sealed, applied, run_id
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

DROP INDEX payment_instructions_cannot_ask;
ALTER TABLE payment_instructions DROP COLUMN cannot_ask;
DROP INDEX payment_instructions_claimed;
ALTER TABLE payment_instructions DROP COLUMN lease_run_id;
ALTER TABLE payment_instructions DROP COLUMN lease_by;
ALTER TABLE payment_instructions DROP COLUMN lease_trigger;
ALTER TABLE payment_instructions DROP COLUMN lease_started_at;
ALTER TABLE sync_runs DROP COLUMN waiting_since;
