DROP TRIGGER ftps_calls_fixed;
ALTER TABLE ftps_calls DROP COLUMN request_id;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id, link, payload_digest
    ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
