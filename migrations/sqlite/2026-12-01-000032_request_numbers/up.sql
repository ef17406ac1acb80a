-- The number of the request that a call was made in, as the log has it: of a Refresh.
ALTER TABLE ftps_calls ADD COLUMN request_id TEXT;
DROP TRIGGER ftps_calls_fixed;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id, link, payload_digest, request_id
    ON ftps_calls
BEGIN SELECT RAISE(ABORT, 'the call log is append-only'); END;
