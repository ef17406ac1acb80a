DROP TRIGGER ftps_calls_fixed ON ftps_calls;
ALTER TABLE ftps_calls DROP COLUMN request_id;
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id, link, payload_digest
    ON ftps_calls
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
