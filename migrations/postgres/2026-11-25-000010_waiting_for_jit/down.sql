-- What the shorter list has no word for becomes a glitch, with the message that it has.
DROP TRIGGER ftps_calls_fixed ON ftps_calls;
UPDATE ftps_calls SET outcome = 'glitch' WHERE outcome IN ('unknown', 'not-sent');
CREATE TRIGGER ftps_calls_fixed BEFORE UPDATE OF id, instruction_id, call_ref, trigger_word, triggered_by,
    started_at, duration_ms, outcome, message, cause, http_status, applied, run_id ON ftps_calls
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE ftps_calls
    DROP CONSTRAINT ftps_calls_outcome_check,
    ADD CONSTRAINT ftps_calls_outcome_check CHECK (outcome IN ('no-response', 'error', 'glitch', 'success'));

DROP INDEX payment_instructions_cannot_ask;
ALTER TABLE payment_instructions DROP COLUMN cannot_ask;
DROP INDEX payment_instructions_claimed;
ALTER TABLE payment_instructions DROP COLUMN lease_run_id;
ALTER TABLE payment_instructions DROP COLUMN lease_by;
ALTER TABLE payment_instructions DROP COLUMN lease_trigger;
ALTER TABLE payment_instructions DROP COLUMN lease_started_at;
ALTER TABLE sync_runs DROP COLUMN waiting_since;
